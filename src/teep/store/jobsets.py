"""The scheduled, retry and dead sets: zsets from payload to time (epoch seconds).

Whole-set verbs run in bounded batches of compare-and-move scripts: each job is moved by one atomic step, and a
job that someone else took meanwhile is passed over. A crash between batches leaves the rest where it was.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from itertools import compress
from typing import NamedTuple

from teep.store import locks
from teep.wire import commands, keys, payload, scripts
from teep.wire.commands import Plan, score

Entry = tuple[bytes, float]

# Jobs a script call: about a millisecond inside Redis, and far below Lua's limit of values on its stack.
BATCH = 500
# The same where Redis passes on only what holds certain words.
FILTERED_BATCH = 2_000
SCAN_COUNT = 1_000


class Enqueued(NamedTuple):
    """Where a job of a set goes: the queue and the payload to push there."""

    queue: str
    raw: bytes


class Verdict(Enum):
    """What else may become of a job that was to be enqueued: it stays, or it is dropped (a middleware said so)."""

    LEAVE = "leave"
    DROP = "drop"


class Limits(NamedTuple):
    """How much the dead set keeps: jobs, and seconds."""

    max_jobs: int
    timeout: float


async def size(key: str) -> int:
    return await commands.zcard(key)


async def add(key: str, entries: Sequence[tuple[float, bytes]]) -> int:
    """Add payloads at their scores; returns how many were new. One round trip."""
    return await commands.zadd(key, *entries)


async def page(key: str, start: int, count: int, *, ascending: bool) -> list[Entry]:
    """Return entries by rank, in order of score."""
    read = commands.zrange if ascending else commands.zrevrange
    return await read(key, start, start + count - 1)


class Walk:
    """A walk through a set, highest score first, that is stable while others add and take.

    With `needles` only payloads that hold each of them are given; the others do not cross the network.
    """

    def __init__(self, key: str, *, needles: Sequence[bytes] = ()) -> None:
        self._key = key
        self._needles = needles
        self._count = FILTERED_BATCH if needles else BATCH
        self._place: Entry | None = None
        self.examined = 0

    async def next(self) -> list[Entry] | None:
        """Return the next entries, perhaps none where needles are given; None at the end. One round trip."""
        below = await scripts.zset_below(self._key, self._place, self._count, self._needles)
        self._place = below.last
        self.examined += below.read
        return None if below.last is None else below.entries


async def sized_page(key: str, start: int, count: int, *, ascending: bool) -> tuple[int, list[Entry]]:
    """Return the set's size and a page of it, in one round trip."""
    read = commands.zrange if ascending else commands.zrevrange
    return await commands.pipeline(commands.zcard(key), read(key, start, start + count - 1))


async def between(key: str, low: float, high: float) -> list[Entry]:
    """Return the entries with scores from `low` to `high`, inclusive."""
    return await commands.zrangebyscore(key, score(low), score(high))


async def scan_page(key: str, cursor: int, match: str) -> tuple[int, list[Entry]]:
    """Return the next cursor (0 at the end) and the entries whose payload matches a glob; some may come twice."""
    return await commands.zscan(key, cursor, match, SCAN_COUNT)


async def find(key: str, jid: str, is_it: Callable[[bytes], bool]) -> Entry | None:
    """Return the entry with this jid, or None; read slice by slice inside Redis."""
    walk = Walk(key, needles=(payload.jid_needle(jid),))
    while (entries := await walk.next()) is not None:
        for entry in entries:
            if is_it(entry[0]):
                return entry
    return None


async def pop(key: str) -> Entry | None:
    """Take the entry with the lowest score out of a set."""
    popped = await commands.zpopmin(key)
    return popped[0] if popped else None


async def delete(key: str, raw: bytes) -> bool:
    """Remove one job by its exact bytes. True where it was there."""
    return bool(await delete_some(key, [raw]))


async def delete_some(key: str, raws: Sequence[bytes]) -> int:
    """Remove jobs by their exact bytes; returns how many were there. One round trip, two where they have locks."""
    count = await commands.zrem(key, *raws)
    if count == len(raws):  # otherwise some live on elsewhere, and keep their locks
        await locks.release(raws)
    return count


async def clear(key: str) -> int:
    """Remove every job; returns how many there were."""
    count, _ = await commands.transaction(commands.zcard(key), commands.unlink(key))
    return int(count)


async def reschedule(key: str, raw: bytes, at: float) -> bool:
    """Change a job's time. True where it is there."""
    _, now = await commands.pipeline(commands.zadd_existing(key, at, raw), commands.zscore(key, raw))
    return now is not None


async def enqueue(key: str, moves: Sequence[tuple[bytes, Enqueued]]) -> list[bool]:
    """Move jobs to their queues; True for each that was still in the set. One round trip."""
    return await scripts.enqueue(
        key, keys.queues(), [(old, keys.queue(new.queue), new.raw, new.queue) for old, new in moves]
    )


async def transfer(source: str, target: str, moves: Sequence[tuple[bytes, float, bytes]]) -> list[bool]:
    """Move jobs to another set: (member, new score, new payload); True for each that was there.

    One round trip; two where unique jobs die.
    """
    moved = await scripts.transfer(source, target, [(old, score(at), new) for old, at, new in moves])
    if target == keys.dead():
        await locks.release(move[0] for move in compress(moves, moved))
    return moved


async def replace(key: str, old: bytes, new: bytes) -> bool:
    """Exchange a job's payload for another, whatever its time is by now. True where it was still there."""
    (done,) = await scripts.transfer(key, key, [(old, "", new)])
    return done


async def trim_dead(now: float, limits: Limits) -> None:
    """Drop dead jobs beyond the limits, oldest first. Keeps one less than `max_jobs`, as Sidekiq does."""
    # Not as a transaction: a Redis that is out of memory takes these commands, but no MULTI.
    await commands.pipeline(*trimming(now, limits))


def trimming(now: float, limits: Limits) -> list[commands.Command[int]]:
    """Return the commands that trim the dead set."""
    return [
        commands.zremrangebyscore(keys.dead(), "-inf", score(now - limits.timeout)),
        commands.zremrangebyrank(keys.dead(), 0, -limits.max_jobs),
    ]


async def enqueue_all(key: str, rewrite: Callable[[bytes], Enqueued | Verdict], until: str = "+inf") -> int:
    """Move the jobs with a score up to `until` to their queues, as `rewrite` says; returns how many moved.

    Two round trips per 500 jobs.
    """

    async def act(batch: list[Entry]) -> Acted:
        verdicts = [(raw, rewrite(raw)) for raw, _ in batch]
        moves = [(raw, verdict) for raw, verdict in verdicts if isinstance(verdict, Enqueued)]
        drops = [raw for raw, verdict in verdicts if verdict is Verdict.DROP]
        if drops:
            await delete_some(key, drops)
        moved = sum(await enqueue(key, moves)) if moves else 0
        return Acted(moved, left=len(batch) - len(moves) - len(drops))

    return await _in_batches(key, act, until)


async def transfer_all(source: str, target: str, at: float, on_moved: Callable[[bytes], None]) -> int:
    """Move every job to another set as it is, with the score `at`, and say so of each. Returns how many moved."""

    async def act(batch: list[Entry]) -> Acted:
        moved = await transfer(source, target, [(raw, at, raw) for raw, _ in batch])
        for (raw, _), was_there in zip(batch, moved, strict=True):
            if was_there:
                on_moved(raw)
        return Acted(sum(moved), left=0)

    return await _in_batches(source, act, "+inf")


class Acted(NamedTuple):
    """What became of a batch: how many jobs were moved, and how many were left in the set on purpose."""

    moved: int
    left: int


async def _in_batches(key: str, act: Callable[[list[Entry]], Plan[Acted]], until: str) -> int:
    """Walk a set from the lowest score up, at most once its present size, and return how many jobs were moved.

    The bound matters: a retried job that fails again comes back to the set while the walk goes on.
    """
    moved = left = 0
    remaining = await commands.zcard(key)
    while remaining > 0:
        batch = await commands.zrangebyscore(key, "-inf", until, left, min(BATCH, remaining))
        if not batch:
            break
        acted = await act(batch)
        remaining -= len(batch)
        moved += acted.moved
        left += acted.left
    return moved


def glob(match: str) -> str:
    """Return the ZSCAN pattern for a text: as it is where it has a `*`, else literal and anywhere."""
    if "*" in match:
        return match
    escaped = "".join(f"\\{char}" if char in "[]?\\^" else char for char in match)
    return f"*{escaped}*"


async def next_due(sets: Sequence[str]) -> float | None:
    """Return the lowest score in some sets (epoch seconds), or None where all are empty. One round trip."""
    firsts = await commands.pipeline_of(commands.zrange(key, 0, 0) for key in sets)
    return min((entries[0][1] for entries in firsts if entries), default=None)
