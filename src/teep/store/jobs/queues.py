"""Queues: lists of payloads, newest at the head, and the set of their names."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from teep.errors import RedisError
from teep.store import features
from teep.store.jobs import dropping
from teep.store.running import oversize
from teep.store.running.outcome import End
from teep.wire import commands, keys, payload, scripts
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts.moves import Moves, not_moved

_NOTHING = scripts.Slice(0, 0, 0, [], [])
# Payloads per round trip when a whole queue is walked: enough for the network not to count.
PAGE = 500
# The same if Redis returns only payloads that hold certain words.
FILTERED_PAGE = 2_000
# A walk loses its place if so many of the last payloads have vanished meanwhile.
ANCHORS = 50
# Payloads that one call of the search script looks at: a few milliseconds inside Redis.
SEARCH_SLICE = 5_000
# Payloads on either side of the place where a job should lie: first if clocks agree, then if they do not quite.
PROBE_WINDOWS = (100, 2_000)
# A slice's jobs are found at their place if workers have taken up to so many jobs since a walk read it.
SHIFT = 1_000


class Summary(NamedTuple):
    """A queue's name, size (jobs), oldest payload, and whether it is paused."""

    name: str
    size: int
    oldest: bytes | None
    paused: bool


async def names() -> list[str]:
    """Return the names of all queues, sorted."""
    return sorted(await commands.smembers(keys.queues()))


async def size(queue: str) -> int:
    return await commands.llen(keys.queue(queue))


async def sizes(queues: Iterable[str]) -> dict[str, int]:
    """Return the size of each queue, largest first. One round trip."""
    listed = list(queues)
    counts = await commands.pipeline_of(commands.llen(keys.queue(queue)) for queue in listed)
    return dict(sorted(zip(listed, counts, strict=True), key=lambda pair: (-pair[1], pair[0])))


async def summaries() -> list[Summary]:
    """Return a summary of every queue, largest first. Two round trips."""
    listed = await names()
    replies = await commands.pipeline_of(command for name in listed for command in _summary(name))
    rows = [Summary(name, *replies[3 * index : 3 * index + 3]) for index, name in enumerate(listed)]
    return sorted(rows, key=lambda row: (-row.size, row.name))


async def summary(name: str) -> Summary:
    """Return the summary of one queue. One round trip."""
    return Summary(name, *await commands.pipeline_of(_summary(name)))


def _summary(name: str) -> tuple[Command[Any], ...]:
    key = keys.queue(name)
    return commands.llen(key), commands.lindex(key, -1), commands.sismember(keys.paused(), name)


async def oldest(queue: str) -> bytes | None:
    return await commands.lindex(keys.queue(queue), -1)


async def page(queue: str, start: int, count: int) -> list[bytes]:
    """Return `count` payloads from position `start`, 0 being the newest."""
    return await commands.lrange(keys.queue(queue), start, start + count - 1)


class Walk:
    """A walk through a queue that is stable while others push and take.

    No job that stays in the queue is skipped, and none is given twice. It reads one slice ahead and finds its
    place again by the jobs in that slice, which the caller has not seen and so has not deleted.
    With `needles` only payloads that hold each of them are given; the others do not cross the network.
    `limit` is how many jobs it reads at most; later ones are not looked at.
    `examined` is how many jobs were read so far, `place` the (position, length) of the slice just given.
    """

    def __init__(
        self,
        queue: str,
        *,
        end: scripts.End = "newest",
        needles: Sequence[bytes] = (),
        limit: int | None = None,
    ) -> None:
        self._key = keys.queue(queue)
        self._end: scripts.End = end
        self._needles = needles
        self._count = FILTERED_PAGE if needles else PAGE
        self._left = limit
        self._ahead: scripts.Slice | None = None
        self._anchors: list[bytes] = []
        self.examined = 0
        self.place = (0, 0)

    async def next(self) -> list[bytes] | None:
        """Return the next payloads, perhaps none if needles are given; None at the end. One round trip."""
        if self._ahead is None:
            self._ahead = await self._read(0)
        given = self._ahead
        if not given.read:
            return None
        self.examined += given.read
        self.place = (given.position, given.read)
        self._anchors = given.anchors
        self._ahead = await self._read(given.position + given.read - 1)
        return given.payloads

    def removed(self, count: int) -> None:
        """Note that the caller took jobs out of the slice it was given, which shifts the jobs after them."""
        if self._ahead is not None:
            self._ahead = self._ahead._replace(position=self._ahead.position - count)

    async def _read(self, position: int) -> scripts.Slice:
        count = self._count if self._left is None else min(self._count, self._left)
        if count == 0:
            return _NOTHING
        found = await scripts.list_after(self._key, self._end, position, count, self._needles, self._anchors)
        if found is None and self._end == "oldest":
            # Workers took the whole slice from this end meanwhile: the jobs that lie there now come next.
            found = await scripts.list_after(self._key, self._end, 0, count, self._needles, ())
        if found is None:
            return _NOTHING
        if self._left is not None:
            self._left -= found.read
        # If only an earlier anchor was found, the jobs after it were read before.
        again = Counter(self._anchors[: found.anchor])
        fresh = [raw for raw in found.payloads if not take_one(again, raw)] if again else found.payloads
        # A short slice may vanish as a whole, so the anchors before it stay.
        anchors = [*(found.anchors or found.payloads[::-1]), *self._anchors[found.anchor :]][:ANCHORS]
        return found._replace(payloads=fresh, anchors=anchors)


async def search(queue: str, needle: bytes, is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the newest payload that holds `needle` and passes `is_it`, or None; read slice by slice inside Redis."""
    start = 0
    # Slices do not overlap: jobs pushed meanwhile shift the rest to higher positions, where it is read again,
    # and jobs taken meanwhile go from the end, which is read last.
    while start < await commands.llen(keys.queue(queue)):
        found = await scripts.search(keys.queue(queue), needle, start, SEARCH_SLICE)
        for raw in found:
            if is_it(raw):
                return raw
        start += SEARCH_SLICE
    return None


async def find(queue: str, jid: str, is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the payload with this jid, or None.

    A jid that holds its time is first looked for where a job of that time must lie: a few looks inside Redis,
    however long the queue is. Jobs that lie elsewhere (they were retried, or have Ruby's random jids) are found
    by reading the queue slice by slice inside Redis.
    """
    needle = payload.jid_bytes(jid)
    born = payload.jid_time(jid)
    for window in PROBE_WINDOWS if born is not None else ():
        found, whole_queue = await scripts.probe(keys.queue(queue), needle, born or 0.0, window)
        if (raw := next(filter(is_it, found), None)) is not None or whole_queue:
            return raw
    return await search(queue, payload.jid_needle(jid), is_it)


async def delete(queue: str, raw: bytes) -> bool:
    """Remove one job by its exact bytes, with the parts that go along; O(n) in Redis. True if it was there."""
    return bool(await dropping.remove("list", keys.queue(queue), [raw]))


async def clear(queue: str) -> None:
    """Remove a queue, its jobs and its name. One round trip, and one more per 5000 jobs."""
    await dropping.remove_lowest(keys.queue(queue), ("list", "-1"), listed=(keys.queues(), queue))


async def memory_usage(key: Key) -> int:
    """Return about how many bytes of memory a queue or set takes, from a sample of its jobs; 0 if it is empty."""
    return await commands.memory_usage(key)


async def pause(queue: str) -> None:
    """Stop workers from taking jobs of a queue. Pushes go on."""
    await commands.sadd(keys.paused(), queue)


async def unpause(queue: str) -> None:
    await commands.srem(keys.paused(), queue)


async def pause_all() -> int:
    """Let workers leave every queue alone that there is; returns how many were not paused yet. Two round trips."""
    listed = await names()
    return await commands.sadd(keys.paused(), *listed) if listed else 0


async def unpause_all() -> int:
    """Let workers serve every queue again; returns how many were paused. Two round trips."""
    listed = await paused()
    return await commands.srem(keys.paused(), *listed) if listed else 0


async def paused() -> frozenset[str]:
    """Return the names of the paused queues."""
    return frozenset(await commands.smembers(keys.paused()))


async def is_paused(queue: str) -> bool:
    return await commands.sismember(keys.paused(), queue)


class Destination(NamedTuple):
    """The destination of jobs that are taken out of a queue; `end` says why they will not run (None: they will).

    Nowhere ("drop"), into the "zset" `key`, or into the "list" `key` of the queue `name`.
    """

    kind: Literal["drop", "zset", "list"]
    key: Key | None = None
    name: str = ""
    end: End | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that are added to."""
        if self.key is None:
            return ()
        return (self.key, keys.queues()) if self.kind == "list" else (self.key,)


NOWHERE = Destination("drop", end="deleted")
DEAD = Destination("zset", keys.dead(), end="dead")


async def take_out(queue: str, place: tuple[int, int], moves: Sequence[scripts.Moved], to: Destination) -> Moves:
    """Take jobs out of the middle of a queue, oldest first.

    `place` is the `Walk.place` at which they were seen. One round trip; more if they are large, or if so many jobs
    were taken meanwhile that they no longer lie there.
    """

    async def sift(where: tuple[int, int], some: Sequence[scripts.Moved]) -> Moves:
        def send(portion: Sequence[scripts.Moved]) -> Command[Moves]:
            along = () if to.end is None else [features.on_end(old, to.end) for old, _, _ in portion]
            return scripts.sift(keys.queue(queue), to.kind, to.keys, to.name, where, portion, along)

        return await oversize.move(some, lambda move: len(move[0]) + len(move[1]), send)

    position, length = place
    taken = await sift((position, length + SHIFT), moves)
    done, refused, _ = taken
    missing = [index for index, was_there in enumerate(done) if not was_there and index not in refused]
    if missing:
        size = await commands.llen(keys.queue(queue))
        places = await commands.pipeline_of(
            commands.lpos_from_tail(keys.queue(queue), moves[index][0]) for index in missing
        )
        for index, at in zip(missing, places, strict=True):
            if at is not None:
                again = await sift((max(0, size - 1 - at), SHIFT), [moves[index]])
                done[index] = again.done[0]
                if again.refused:
                    refused[index] = again.refused[0]
    return taken


async def replace(queue: str, old: bytes, new: bytes) -> bool:
    """Exchange a job's payload for another in its place; True if it was still there. O(n) in Redis."""
    try:
        return await scripts.replace(keys.queue(queue), old, new)
    except RedisError as error:
        if len(old) + len(new) <= oversize.PORTION or not await oversize.hung_up(error):
            raise
        raise not_moved([oversize.TOO_LARGE], 0) from error


def take_one(counts: Counter[bytes], raw: bytes) -> bool:
    """Take one off a count; True if there was one."""
    if counts[raw] <= 0:
        return False
    counts[raw] -= 1
    return True
