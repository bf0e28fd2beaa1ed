"""The processes that may have jobs in flight, in a registry of teep's own, because Ruby's API prunes `processes`.

A process enters before its first reservation. Only `forget` removes its entry, if its in-flight lists are empty.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from teep.errors import MalformedPayload
from teep.wire import commands, json, keys, scripts
from teep.wire.command import Command


class Owner(NamedTuple):
    """A process that may have jobs in flight, as it registered itself.

    `machine` tells pid spaces apart ("" if unknown: then pids mean nothing). `started` (ticks since boot, 0 if
    unknown) tells reused pids apart.
    """

    identity: str
    pid: int
    machine: str
    started: int
    queues: tuple[str, ...]


async def register(owner: Owner) -> None:
    """Enter a process into the registry. Idempotent; must come before its first reservation."""
    await registration(owner)


def registration(owner: Owner) -> Command[int]:
    """Return the command that enters a process into the registry."""
    return commands.hset(keys.inflight_owners(), {owner.identity: entry(owner)})


def entry(owner: Owner) -> bytes:
    """Return the registry's entry of a process."""
    value = {
        "pid": owner.pid,
        "machine": owner.machine,
        "started": owner.started,
        "queues": list(owner.queues),
    }
    return json.dumps(value)


async def registered(on_damage: Callable[[MalformedPayload], None] | None = None) -> list[Owner]:
    """Return every registered process. An entry that cannot be read is left alone and reported to `on_damage`."""
    found: list[Owner] = []
    for identity, raw in (await commands.hgetall(keys.inflight_owners())).items():
        try:
            found.append(_owner(identity, raw))
        except MalformedPayload as error:
            if on_damage is not None:
                on_damage(error)
    return found


async def in_flight() -> dict[str, int]:
    """Return how many jobs all registered processes have in flight, by queue. Two round trips."""
    found: dict[str, int] = {}
    lists = [(queue, keys.inflight(queue, owner.identity)) for owner in await registered() for queue in owner.queues]
    lengths = await commands.pipeline_of(commands.llen(key) for _, key in lists)
    for (queue, _), length in zip(lists, lengths, strict=True):
        found[queue] = found.get(queue, 0) + length
    return found


def _owner(identity: str, raw: bytes) -> Owner:
    try:
        value = json.loads(raw)
        return Owner(identity, value["pid"], value["machine"], value["started"], tuple(value["queues"]))
    except (KeyError, TypeError, MalformedPayload) as error:
        raise MalformedPayload(
            f"the registry entry of {identity} is damaged, so its jobs in flight cannot be rescued: {error!r}"
        ) from error


async def forget(identity: str, queues: Sequence[str]) -> bool:
    """Take a process out of the registry; False if jobs are in flight there. One round trip."""
    lists = [keys.inflight(queue, identity) for queue in queues]
    return await scripts.forget(keys.inflight_owners(), keys.suspects(identity), lists, identity)
