"""Profiles: a set of their keys by expiry, and one hash for each."""

from typing import NamedTuple

from teep.wire import commands, keys
from teep.wire.command import Command

_FIELDS = ("started_at", "jid", "type", "token", "size", "elapsed")


class Profile(NamedTuple):
    """A profile without its data: when it began (epoch seconds), how long it took (seconds), its size (bytes)."""

    key: str
    started_at: float
    jid: str
    type: str
    token: str
    size: int
    elapsed: float


async def drop_expired(now: float) -> None:
    """Drop expired profiles from the set; the hashes expire by themselves. One round trip."""
    await commands.zremrangebyscore(keys.profiles(), "-inf", commands.score(now))


async def size() -> int:
    """Return how many there are. One O(1) command."""
    return await commands.zcard(keys.profiles())


async def listing() -> list[Profile]:
    """Return every profile, newest first. Two round trips."""
    listed = [
        member.decode(errors="surrogateescape") for member, _ in await commands.zrevrange(keys.profiles(), 0, -1)
    ]
    rows = await commands.pipeline_of(_read(key) for key in listed)
    return [profile for key, row in zip(listed, rows, strict=True) if (profile := _profile(key, row)) is not None]


async def get(key: str) -> Profile | None:
    """Return one profile, or None if there is none of this key. Two round trips."""
    if await commands.zscore(keys.profiles(), key.encode(errors="surrogateescape")) is None:
        return None
    return _profile(key, await _read(key))


async def data(key: str) -> bytes | None:
    """Return a profile's gzip bytes, or None if it has expired. One round trip."""
    return await commands.hget(keys.profile(key), "data")


def _read(key: str) -> Command[list[bytes | None]]:
    return commands.hmget(keys.profile(key), *_FIELDS)


def _profile(key: str, row: list[bytes | None]) -> Profile | None:
    if row[0] is None:
        return None
    started_at, jid, kind, token, size, elapsed = ((value or b"").decode(errors="surrogateescape") for value in row)
    return Profile(key, float(started_at), jid, kind, token, int(size or 0), float(elapsed or 0))
