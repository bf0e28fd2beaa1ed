"""Pages of a set or queue by cursor: what a list shows, however long it is and whatever moves in it meanwhile."""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from teep.api.base import page_start
from teep.api.jobs.selection.filters import Filter
from teep.store.jobs import slices
from teep.wire import scripts
from teep.wire.keys import Key
from teep.wire.scripts import End, Order, Place, Slice, Way
from teep.wire.stored import Stored

E = TypeVar("E")

# Entries looked at in a step, where Redis passes on only what holds certain words.
_STEP = 2_000
# A position that no queue reaches, and that Redis still takes.
_FARTHEST = 1 << 40


class CursorPage(NamedTuple, Generic[E]):
    """A page of a listing, and the places where others go on.

    `total` is the size of the set, `position` how many entries lie before the first that was looked at, `looked_at`
    how many that were. `next` and `previous` are None where there is nothing more that way. A search that took too
    long is not `complete`; `next` (backwards `previous`) then says where it goes on.
    """

    items: list[E]
    total: int
    position: int
    looked_at: int
    next: Place | None
    previous: Place | None
    complete: bool


class Asked(NamedTuple):
    """Which page of a set is asked for: up to `size` entries after or before a place, found within `seconds`."""

    order: Order
    way: Way
    place: Place | None
    size: int
    seconds: float


async def read_page(key: Key, chosen: Filter, asked: Asked, entry: Callable[[Stored, float], E]) -> CursorPage[E]:
    """Read a page. One round trip; in a search one more for each 2000 entries, until the time is over.

    Raises:
        InvalidPage: the size is less than 1.
    """
    page_start(1, asked.size)
    found, seen = await _collect(key, chosen, asked)
    more = len(found) > asked.size
    del found[asked.size :]
    if asked.way == "before":
        found.reverse()
    first = found[0][1] if found else asked.place
    last = _behind(found[-1][1]) if found else asked.place
    ahead = (last if found else seen.edge) if more else None if seen.over else seen.edge
    if asked.way == "after":
        following, previous = ahead, first if seen.before else None
    else:
        following, previous = last, (first if more else ahead)
    items = [entry(job, place.score) for job, place in found]
    complete = more or seen.over
    return CursorPage(items, seen.size, seen.before, seen.read, following, previous, complete)


class _Seen(NamedTuple):
    """What was looked at: the set's size, where that began, how much, the far end, and whether nothing follows."""

    size: int
    before: int
    read: int
    edge: Place | None
    over: bool


async def _collect(key: Key, chosen: Filter, asked: Asked) -> tuple[list[tuple[Stored, Place]], _Seen]:
    """Look for one entry more than a page holds."""
    until = time.monotonic() + asked.seconds
    count = _STEP if chosen.is_any else asked.size + 1
    found: list[tuple[Stored, Place]] = []
    place, read, begin, over = asked.place, 0, -1, False
    while True:
        window = await scripts.zset_page(key, asked.order, asked.way, place, count, chosen.needles)
        jobs = ((Stored(raw), at) for raw, at in window.entries)
        found += (pair for pair in jobs if chosen.matches(pair[0]))
        read += window.read
        begin = window.before if begin < 0 or asked.way == "before" else begin
        over = window.read < count
        if over or len(found) > asked.size or time.monotonic() > until:
            return found, _Seen(window.size, begin, read, window.edge or place, over)
        place = window.edge


class AskedOfQueue(NamedTuple):
    """Which page of a queue is asked for, beginning at an end of it; see `Asked`."""

    end: End
    way: Way
    place: Place | None
    size: int
    seconds: float

    def start(self) -> tuple[int, int]:
        """Return the position where the page begins, and how many jobs that match there were given before."""
        if self.place is None:
            return 0, 0
        position = int(min(max(self.place.score, 0), _FARTHEST))
        return (position, self.place.behind) if self.way == "after" else (max(position - self.size, 0), 0)


class _Found(NamedTuple):
    """A job of a queue, about where it lies from the oldest on, and the place before it."""

    job: Stored
    position: int
    place: Place


async def read_queue_page(
    queue: str, chosen: Filter, asked: AskedOfQueue, record: Callable[[Stored, int], E]
) -> CursorPage[E]:
    """Read a page of a queue. One round trip; in a search one more for each 2000 jobs, until the time is over.

    Raises:
        InvalidPage: the size is less than 1.
    """
    page_start(1, asked.size)
    until = time.monotonic() + asked.seconds
    count = _STEP if chosen.is_any else asked.size + 1
    begin, passed = asked.start()
    position, found = begin, list[_Found]()
    while True:
        size, part = await slices.slice_at(queue, asked.end, position, count, chosen.needles)
        found += _found(part._replace(position=position), chosen, size, asked.end)[passed:]
        over, more = part.read < count, len(found) > asked.size
        position, passed = position + part.read, 0
        if over or more or time.monotonic() > until:
            break
    ahead = None if over else Place(position, 0)
    following = found[asked.size].place if more else ahead
    previous = Place(begin, 0) if begin and not chosen.is_any else None
    items = [record(one.job, one.position) for one in found[: asked.size]]
    return CursorPage(items, size, begin, position - begin, following, previous, more or over)


def _found(part: Slice, chosen: Filter, size: int, end: End) -> list[_Found]:
    """Return the jobs of a slice that match. In a search, only where the slice lies is known of each."""
    jobs = [job for job in map(Stored, part.payloads) if chosen.matches(job)]
    if chosen.is_any:
        at = part.position if end == "oldest" else max(size - part.position - part.read, 0)
        return [_Found(job, at, Place(part.position, index)) for index, job in enumerate(jobs)]
    places = range(part.position, part.position + len(jobs))
    return [
        _Found(job, at if end == "oldest" else max(size - 1 - at, 0), Place(at, 0))
        for job, at in zip(jobs, places, strict=True)
    ]


def _behind(place: Place) -> Place:
    return Place(place.score, place.behind + 1)
