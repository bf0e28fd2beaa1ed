"""Queues: lists of payloads, newest at the head, and the set of their names."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from teep.wire import commands, keys, scripts

# Payloads a round trip when a whole queue is walked: large enough that the network is not what counts.
PAGE = 500
# How many of the last payloads may have vanished meanwhile before a walk loses its place.
ANCHORS = 50
# Payloads that one call of the search script looks at: a few milliseconds inside Redis.
SEARCH_SLICE = 5_000


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


def _summary(name: str) -> tuple[commands.Command[Any], ...]:
    key = keys.queue(name)
    return commands.llen(key), commands.lindex(key, -1), commands.sismember(keys.paused(), name)


async def oldest(queue: str) -> bytes | None:
    return await commands.lindex(keys.queue(queue), -1)


async def page(queue: str, start: int, count: int) -> list[bytes]:
    """Return `count` payloads from position `start`, 0 being the newest."""
    return await commands.lrange(keys.queue(queue), start, start + count - 1)


class Walk:
    """A walk through a queue, newest first, that is stable while others push and take.

    No job that stays in the queue is passed over, and none is given twice. It reads one page ahead and finds its
    place again by the jobs in that page, which the caller has not seen and so has not deleted.
    """

    def __init__(self, queue: str) -> None:
        self._key = keys.queue(queue)
        self._ahead: list[bytes] | None = None
        self._position = 0

    async def next(self) -> list[bytes]:
        """Return the next payloads, at most a page; none at the end. One round trip."""
        if self._ahead is None:
            self._ahead = await commands.lrange(self._key, 0, PAGE - 1)
        given = self._ahead
        if given:
            self._ahead = await self._after(given)
        return given

    async def _after(self, page: list[bytes]) -> list[bytes]:
        last = self._position + len(page) - 1
        following = await scripts.list_after(self._key, last, PAGE, page[: -ANCHORS - 1 : -1])
        if following is None:
            return []
        self._position, raws = following
        read = Counter(page[-ANCHORS:])
        fresh: list[bytes] = []
        for raw in raws:
            # Where an earlier anchor had to do, later ones come again.
            if read[raw] > 0 and len(fresh) < ANCHORS:
                read[raw] -= 1
            else:
                fresh.append(raw)
        self._position += len(raws) - len(fresh)
        return fresh


async def sized_page(queue: str, start: int, count: int) -> tuple[int, list[bytes]]:
    """Return the queue's size and a page of it, in one round trip."""
    return await commands.pipeline(
        commands.llen(keys.queue(queue)), commands.lrange(keys.queue(queue), start, start + count - 1)
    )


async def search(queue: str, needle: bytes) -> list[bytes]:
    """Return the payloads that hold `needle`, read slice by slice inside Redis; stops at the first slice with one."""
    start = 0
    # Slices overlap by nothing: jobs pushed meanwhile shift the rest to higher positions, where it is read again,
    # and jobs taken meanwhile go from the end, which is read last.
    while start < await commands.llen(keys.queue(queue)):
        found = await scripts.search(keys.queue(queue), needle, start, SEARCH_SLICE)
        if found:
            return found
        start += SEARCH_SLICE
    return []


async def delete(queue: str, raw: bytes) -> bool:
    """Remove one job by its exact bytes; O(n) in Redis. True where it was there."""
    return bool(await commands.lrem(keys.queue(queue), 1, raw))


async def clear(queue: str) -> None:
    """Remove a queue, its jobs and its name."""
    await commands.transaction(commands.unlink(keys.queue(queue)), commands.srem(keys.queues(), queue))


async def is_paused(queue: str) -> bool:
    return await commands.sismember(keys.paused(), queue)
