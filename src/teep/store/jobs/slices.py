"""Slices of a queue by position, for what is shown of it a page at a time."""

from collections.abc import Callable, Sequence

from teep.store.jobs.queues import FILTERED_PAGE, SHIFT
from teep.wire import commands, keys, scripts

_NOTHING = scripts.Slice(0, 0, 0, [], [])


async def slice_at(
    queue: str, end: scripts.End, position: int, count: int, needles: Sequence[bytes] = ()
) -> tuple[int, scripts.Slice]:
    """Return the queue's size, and a slice of it from a position counted from an end. One round trip."""
    key = keys.queue(queue)
    size, part = await commands.pipeline(
        commands.llen(key), scripts.list_after(key, end, position, count, needles, ())
    )
    return size, part or _NOTHING


async def find_near(queue: str, position: int, needle: bytes, is_it: Callable[[bytes], bool]) -> bytes | None:
    """Return the payload that holds `needle` and `is_it`, about a position counted from the oldest, or None.

    One round trip. Since the position was told, workers may have taken a thousand jobs, or put as many back.
    """
    start = max(position - SHIFT, 0)
    needles = (needle,) if needle else ()
    _, part = await slice_at(queue, "oldest", start, position - start + FILTERED_PAGE + SHIFT, needles)
    return next(filter(is_it, part.payloads), None)


async def sized_page(queue: str, start: int, count: int, *, oldest_first: bool = False) -> tuple[int, list[bytes]]:
    """Return the queue's size and a page of it, counted from the newest job or the oldest, in one round trip."""
    key = keys.queue(queue)
    first, last = (-start - count, -start - 1) if oldest_first else (start, start + count - 1)
    size, raws = await commands.pipeline(commands.llen(key), commands.lrange(key, first, last))
    return size, raws[::-1] if oldest_first else raws
