"""What the server says of itself."""

from typing import NamedTuple

from teep.wire import commands

_SECTIONS = ("server", "clients", "memory", "persistence")


class Facts(NamedTuple):
    """Which server it is, and how it is: uptime in seconds, memory in bytes (`limit` 0: none)."""

    name: str
    version: str
    uptime: int
    connections: int
    memory: int
    peak: int
    limit: int
    policy: str


async def facts() -> Facts:
    """Return what INFO says. One round trip."""
    told = "\n".join(await commands.pipeline_of([commands.info(section) for section in _SECTIONS]))
    lines = (line.strip().partition(":") for line in told.splitlines())
    info = {name: value for name, _, value in lines}
    return Facts(
        name=_name(info),
        version=info.get("valkey_version") or info.get("redis_version", ""),
        uptime=_whole(info, "uptime_in_seconds"),
        connections=_whole(info, "connected_clients"),
        memory=_whole(info, "used_memory"),
        peak=_whole(info, "used_memory_peak"),
        limit=_whole(info, "maxmemory"),
        policy=info.get("maxmemory_policy", ""),
    )


def _name(info: dict[str, str]) -> str:
    if "valkey_version" in info:
        return "Valkey"
    return "Dragonfly" if "dragonfly_version" in info else "Redis"


def _whole(info: dict[str, str], name: str) -> int:
    text = info.get(name, "")
    return int(text) if text.isdigit() else 0
