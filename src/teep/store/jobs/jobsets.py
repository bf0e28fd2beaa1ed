"""The scheduled, retry and dead sets: zsets from payload to time (epoch seconds).

Whole-set verbs run in bounded batches of compare-and-move scripts: each job is moved by one atomic step, and a
job that someone else took meanwhile is skipped. A crash between batches leaves the rest where it was.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from teep.errors import RedisCommandError
from teep.store import features
from teep.store.jobs import dropping
from teep.store.running import oversize
from teep.store.running.outcome import End
from teep.wire import commands, keys, payload, scripts
from teep.wire.command import Command, Plan
from teep.wire.commands import score
from teep.wire.keys import Key
from teep.wire.scripts import Place, step
from teep.wire.scripts.moves import Moves, not_moved
from teep.wire.scripts.step import Parts, Step

Entry = tuple[bytes, float]

# Jobs per script call: about a millisecond inside Redis, and far below Lua's limit of values on its stack.
BATCH = 500
# The same if Redis returns only payloads that hold certain words.
FILTERED_BATCH = 2_000
SCAN_COUNT = 1_000


class Enqueued(NamedTuple):
    """The destination of a job of a set: the queue, and the payload to push there."""

    queue: str
    raw: bytes


class Verdict(Enum):
    """The other ends of a job that was to be enqueued: it stays, or it is dropped (a middleware said so)."""

    LEAVE = "leave"
    DROP = "drop"


class DeadLimits(NamedTuple):
    """The limits of the dead set: how many jobs it keeps, and for how many seconds."""

    max_jobs: int
    timeout: float


async def size(key: Key) -> int:
    return await commands.zcard(key)


async def add(key: Key, entries: Sequence[tuple[float, bytes]]) -> int:
    """Add payloads at their scores; returns how many were new. One round trip."""
    return await commands.zadd(key, *entries)


async def page(key: Key, start: int, count: int, *, ascending: bool) -> list[Entry]:
    """Return entries by rank, in order of score."""
    read = commands.zrange if ascending else commands.zrevrange
    return await read(key, start, start + count - 1)


class Walk:
    """A walk through a set, highest score first, that is stable while others add and take.

    With `needles` only payloads that hold each of them are given; the others do not cross the network.
    """

    def __init__(self, key: Key, *, needles: Sequence[bytes] = ()) -> None:
        self._key = key
        self._needles = needles
        self._count = FILTERED_BATCH if needles else BATCH
        self._place: Entry | None = None
        self.examined = 0

    async def next(self) -> list[Entry] | None:
        """Return the next entries, perhaps none if needles are given; None at the end. One round trip."""
        below = await scripts.zset_below(self._key, self._place, self._count, self._needles)
        self._place = below.last
        self.examined += below.read
        return None if below.last is None else below.entries


async def sized_page(key: Key, start: int, count: int, *, ascending: bool) -> tuple[int, list[Entry]]:
    """Return the set's size and a page of it, in one round trip."""
    read = commands.zrange if ascending else commands.zrevrange
    return await commands.pipeline(commands.zcard(key), read(key, start, start + count - 1))


async def at_score(key: Key, at: float, is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the first payload at a score that is the one. One round trip where few have that score."""
    place: Place | None = Place(at, 0)
    count = 10
    while place is not None and place.score == at:
        window = await scripts.zset_page(key, "asc", "after", place, count, ())
        count = BATCH
        for raw, where in window.entries:
            if where.score == at and is_it(raw):
                return raw
        place = window.edge
    return None


async def between(key: Key, low: float, high: float) -> list[Entry]:
    """Return the entries with scores from `low` to `high`, inclusive."""
    return await commands.zrangebyscore(key, score(low), score(high))


async def scan_page(key: Key, cursor: int, match: str) -> tuple[int, list[Entry]]:
    """Return the next cursor (0 at the end) and the entries whose payload matches a glob; some may come twice."""
    return await commands.zscan(key, cursor, match, SCAN_COUNT)


async def find(key: Key, jid: str, is_it: Callable[[bytes], bool]) -> Entry | None:
    """Return the entry with this jid, or None; read slice by slice inside Redis."""
    walk = Walk(key, needles=(payload.jid_needle(jid),))
    while (entries := await walk.next()) is not None:
        for entry in entries:
            if is_it(entry[0]):
                return entry
    return None


async def pop(key: Key) -> Entry | None:
    """Take the entry with the lowest score out of a set."""
    popped = await commands.zpopmin(key)
    return popped[0] if popped else None


async def delete(key: Key, raw: bytes) -> bool:
    """Remove one job by its exact bytes. True if it was there."""
    return bool(await delete_some(key, [raw]))


async def delete_some(key: Key, raws: Sequence[bytes]) -> int:
    """Remove jobs by their exact bytes, with the parts that go along; returns how many were there. One round trip."""
    return await dropping.remove("zset", key, raws)


async def clear(key: Key) -> int:
    """Remove every job; returns how many there were. One round trip per 5000 jobs."""
    return await dropping.remove_lowest(key, ("zset", "-1"))


async def reschedule(key: Key, raw: bytes, at: float) -> bool:
    """Change a job's time. True if it is there."""
    _, now = await commands.pipeline(commands.zadd_existing(key, at, raw), commands.zscore(key, raw))
    return now is not None


async def enqueue(key: Key, moves: Sequence[tuple[bytes, Enqueued]]) -> Moves:
    """Move jobs to their queues. One round trip, more if they are large.

    A job that its new fields make too large for its server goes to its queue as it was.
    """

    def send(some: Sequence[tuple[bytes, Enqueued]]) -> Command[Moves]:
        placed = [(old, keys.queue(new.queue), new.raw, new.queue) for old, new in some]
        return scripts.enqueue(key, keys.queues(), placed)

    return await oversize.move(
        moves,
        size=lambda move: len(move[0]) + len(move[1].raw),
        send=send,
        smaller=lambda move: (move[0], move[1]._replace(raw=move[0])),
    )


async def transfer(
    source: Key, target: Key, moves: Sequence[tuple[bytes, float, bytes]], end: End | None = None
) -> Moves:
    """Move jobs to another set: (member, new score, new payload). `end`: why they will not run (None: they will).

    One round trip, more if jobs are large.
    """

    def send(some: Sequence[tuple[bytes, float, bytes]]) -> Command[Moves]:
        along = () if end is None else [features.on_end(old, end) for old, _, _ in some]
        return scripts.transfer(source, target, [(old, score(at), new) for old, at, new in some], along)

    return await oversize.move(moves, _bytes, send)


async def kill(key: Key, raws: Sequence[bytes], now: float) -> Moves:
    """Move jobs to the dead set as they are. One round trip, more if they are large."""
    return await transfer(key, keys.dead(), [(raw, now, raw) for raw in raws], "dead")


def _bytes(move: tuple[bytes, object, bytes]) -> int:
    return len(move[0]) + len(move[2])


async def replace(key: Key, old: bytes, new: bytes) -> bool:
    """Exchange a job's payload for another, whatever its time is by now. True if it was still there."""
    moved = await oversize.move([(old, "", new)], _bytes, lambda some: scripts.transfer(key, key, some))
    return moved.checked()[0]


async def bury(raw: bytes, now: float) -> None:
    """Add a payload as dead, with the parts that go along with its death. One round trip."""
    parts = Parts(effects=step.scored(keys.dead(), score(now), raw), along=features.on_end(raw, "dead"))
    (told,) = await step.carry_out([Step(parts)])
    if told.refused or told.beside:
        raise RedisCommandError(told.refused or f"{told.beside}; the job is in the dead set all the same")


async def trim_dead(now: float, limits: DeadLimits) -> None:
    """Drop dead jobs beyond the limits, oldest first. Keeps one less than `max_jobs`, as Sidekiq does.

    One round trip, more if there are many.
    """
    await dropping.remove_lowest(keys.dead(), ("score", score(now - limits.timeout)), ("zset", str(-limits.max_jobs)))


async def enqueue_all(key: Key, rewrite: Callable[[bytes], Enqueued | Verdict], until: str = "+inf") -> int:
    """Move the jobs with a score up to `until` to their queues, as `rewrite` says; returns how many moved.

    Two round trips per 500 jobs.

    Raises:
        NotMoved: Redis refused some. They stay; all others are moved.
    """

    async def act(batch: list[Entry]) -> Acted:
        verdicts = [(raw, rewrite(raw)) for raw, _ in batch]
        moves = [(raw, verdict) for raw, verdict in verdicts if isinstance(verdict, Enqueued)]
        drops = [raw for raw, verdict in verdicts if verdict is Verdict.DROP]
        if drops:
            await delete_some(key, drops)
        if not moves:
            return Acted(0, len(batch) - len(drops), ())
        moved = await enqueue(key, moves)
        return Acted(moved.moved, len(batch) - len(moves) - len(drops), tuple(moved.refused.values()))

    return await _in_batches(key, act, until)


async def kill_all(source: Key, now: float, on_moved: Callable[[bytes], None]) -> int:
    """Move every job of a set to the dead set as it is, and call `on_moved` for each. Returns how many moved.

    Raises:
        NotMoved: Redis refused some, which stay.
    """

    async def act(batch: list[Entry]) -> Acted:
        moved = await kill(source, [raw for raw, _ in batch], now)
        for (raw, _), was_there in zip(batch, moved.done, strict=True):
            if was_there:
                on_moved(raw)
        return Acted(moved.moved, 0, tuple(moved.refused.values()))

    return await _in_batches(source, act, "+inf")


class Acted(NamedTuple):
    """The outcome of a batch: how many jobs moved, how many were left on purpose, and why Redis refused others."""

    moved: int
    left: int
    refused: Sequence[str]


async def _in_batches(key: Key, act: Callable[[list[Entry]], Plan[Acted]], until: str) -> int:
    """Walk a set from the lowest score up, at most once its present size, and return how many jobs were moved.

    The bound matters: a retried job that fails again comes back to the set while the walk goes on.
    """
    moved = left = 0
    refused: list[str] = []
    remaining = await commands.zcard(key)
    while remaining > 0:
        batch = await commands.zrangebyscore(key, "-inf", until, left, min(BATCH, remaining))
        if not batch:
            break
        acted = await act(batch)
        remaining -= len(batch)
        moved += acted.moved
        left += acted.left + len(acted.refused)
        refused += acted.refused
    if refused:
        raise not_moved(refused, moved)
    return moved


def glob(match: str) -> str:
    """Return the ZSCAN pattern for a string: as it is if it has a `*`, else literal and anywhere."""
    if "*" in match:
        return match
    escaped = "".join(f"\\{char}" if char in "[]?\\^" else char for char in match)
    return f"*{escaped}*"


async def next_due(sets: Sequence[Key]) -> float | None:
    """Return the lowest score in some sets (epoch seconds), or None if all are empty. One round trip."""
    firsts = await commands.pipeline_of(commands.zrange(key, 0, 0) for key in sets)
    return min((entries[0][1] for entries in firsts if entries), default=None)
