"""Limiters in Redis: asking for them, holding them, looking at them, and changing them.

A limiter is declared anew at each call; Redis keeps what is used of it, an override and a pause. Each key has a time
to live from its first write on.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from teep.wire import commands, keys
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts import limits as scripts
from teep.wire.scripts.limits import Answer, Caller, Declared, Hold, Kind, Mode, Passed, Refused, Usage
from teep.wire.scripts.step import Part, Parts, Step, Told, carry_out

__all__ = ["Answer", "Caller", "Declared", "Hold", "Kind", "Mode", "Passed", "Refused", "Usage"]

# Milliseconds for which a process's list of what it holds outlives its last heartbeat.
_LIFETIME = 3_600_000
# Where one that waits in a line has the name of its queue, if it is a job.
_QUEUE = 6
# Limiters that are read at a time.
PAGE = 100
# The most that are called at a time: bounds a script to a few milliseconds.
_CALLED = 1_000
_DAY = 86_400_000


@lru_cache(maxsize=10_000)
def declared(name: str, kind: Kind, limit: int, interval: int, lease: int, ttl: int) -> Declared:
    """Return a limiter with its keys. `interval` and `lease` are microseconds, `ttl` is milliseconds."""
    return Declared(name, kind, limit, interval, lease, ttl, keys.limit(name), keys.limit_line(name))


def acquire(
    identity: str, limiters: Sequence[Declared], callers: Sequence[Caller], now: int | None = None
) -> Command[list[Answer]]:
    """Ask limiters for callers of this process, in their order; returns an answer for each. One round trip."""
    return scripts.acquire(
        keys.limits(),
        keys.limits_held(identity),
        keys.schedule(),
        keys.queues(),
        keys.paused(),
        limiters,
        callers,
        _LIFETIME,
        now,
    )


def take(limiter: Declared, cost: int) -> Command[bool] | None:
    """Take from a limiter the short way; False if it has to be asked in full. None: there is no short way."""
    return scripts.take(limiter, cost)


def pass_on(
    identity: str, holds: Sequence[Hold], queues: Sequence[str], now: int | None = None
) -> Command[list[Passed]]:
    """Give places back that jobs have left, or pass them on to jobs of these queues that wait: returns these.

    One round trip. A job that took a place over is in flight at this process.
    """
    lists = {queue: keys.inflight(queue, identity) for queue in queues}
    return scripts.release(keys.paused(), holds, lists, now)


def park(line: Key, refused: Refused) -> Part:
    """Return the part of a step that lets a refused job wait, which that step has put into the scheduled set."""
    return Part("limits.park", line, (refused.waits, refused.limit))


def carry_out_all(parts: Sequence[Part]) -> Command[list[Told]]:
    """Return the command that carries out parts alone. A repeat is harmless."""
    return carry_out([Step(Parts(along=tuple(parts)))], repeatable=True)


def awaited(bell: Key, seconds: float) -> Command[bool | None]:
    """Return the command that waits for a bell, for so many seconds at most."""
    return Command("BLPOP", bell, repr(seconds), read=lambda reply: reply and True, block=seconds)


def withdraw(limiter: Declared, bell: Key, holder: str) -> Command[bool]:
    """Take out a caller that was interrupted while it asked or waited. One round trip; O(N) of those that wait."""
    return scripts.withdraw(limiter.line, bell, holder)


def renew(identity: str, leases: Mapping[Key, Sequence[tuple[int, str]]], now: int | None = None) -> Command[int]:
    """Renew what a process holds, (microseconds, holder) by line. One round trip."""
    return scripts.renew(keys.limits_held(identity), leases, _LIFETIME, now)


def free(identity: str) -> Command[int]:
    """Free all that a process holds, which has ended or died; returns how many places. One round trip."""
    return scripts.free(keys.limits_held(identity), f"{identity}|")


async def names(start: int = 0, count: int = -1) -> list[str]:
    """Return the names of limiters that were used, those first that are forgotten first."""
    stop = -1 if count < 0 else start + count - 1
    return [commands.text(name) for name, _ in await commands.zrange(keys.limits(), start, stop)]


async def size() -> int:
    """Return how many limiters are known. One O(1) command."""
    return await commands.zcard(keys.limits())


def usage(name: str, now: int | None = None) -> Command[Usage | None]:
    """Return a limiter as it is now, or None if it is not known. One round trip."""
    return scripts.usage(keys.limit(name), keys.limit_line(name), now)


class Known(NamedTuple):
    """A limiter and what is used of it."""

    name: str
    usage: Usage


async def page(start: int, count: int = PAGE, now: int | None = None) -> list[Known] | None:
    """Return limiters with their usage, or None behind the last. Two round trips."""
    found = await names(start, count)
    if not found:
        return None
    states = await commands.pipeline_of(usage(name, now) for name in found)
    return [Known(name, state) for name, state in zip(found, states, strict=True) if state is not None]


async def recent(most: int, now: int | None = None) -> list[Known]:
    """Return the limiters that were used last, the latest first, with their usage. Two round trips."""
    names = await _recent_names(most)
    states = await commands.pipeline_of(usage(name, now) for name in names)
    return [Known(name, state) for name, state in zip(names, states, strict=True) if state is not None]


async def _recent_names(most: int) -> list[str]:
    return [commands.text(name) for name, _ in await commands.zrevrange(keys.limits(), 0, most - 1)]


async def waiting(most: int) -> dict[str, dict[str, int]]:
    """Return for each queue the limiters that jobs of it wait for, and how many do. Two round trips.

    It looks at the `most` limiters that were used last, and at the first jobs that wait for each.
    """
    names = await _recent_names(most)
    lines = await commands.pipeline_of(
        commands.zrangebyscore(keys.limit_line(name), "-inf", "(0", 0, PAGE) for name in names
    )
    found: dict[str, dict[str, int]] = {}
    for name, line in zip(names, lines, strict=True):
        for queue in filter(None, (_queue_of(waits) for waits, _ in line)):
            of_queue = found.setdefault(queue, {})
            of_queue[name] = of_queue.get(name, 0) + 1
    return found


def _queue_of(waits: bytes) -> str | None:
    """Return the queue of a job as it waits in a line (`lua/lib/limits/line.lua`); None for a caller."""
    words = waits.split(b"\0")
    return commands.text(words[_QUEUE]) if len(words) > _QUEUE else None


async def pause(name: str, microseconds: int, now: int | None = None) -> None:
    """Let nothing through for so long. One round trip."""
    await _edit(name, "paused", microseconds, now)


async def resume(name: str, now: int | None = None) -> None:
    """End a pause, and call those that wait. One round trip, and one more for each 1,000 of these."""
    await _edit(name, "paused", None, now)


async def set_limit(name: str, limit: int | None, now: int | None = None) -> None:
    """Let another limit hold than the declared one (None: that again). Round trips as of `resume`."""
    await _edit(name, "override", limit, now)


async def reset(name: str, now: int | None = None) -> None:
    """Forget what is used, and call those that wait. An override and a pause stay. Round trips as of `resume`."""
    await _edit(name, "reset", None, now)


def correct(name: str, points: int, now: int | None = None) -> Command[bool]:
    """Add to the points that are taken, or give some back. One round trip."""
    return scripts.correct(keys.limit(name), points, now)


async def _edit(name: str, field: scripts.Field, value: int | None, now: int | None) -> None:
    key, line = keys.limit(name), keys.limit_line(name)
    called = before = await scripts.edit(key, line, field, value, 90 * _DAY, now)
    while called == _CALLED:
        called = await scripts.edit(key, line, "call", before, 90 * _DAY, now)
        before += called
