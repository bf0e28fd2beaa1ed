"""Pages of a set by cursor: what a list shows, however long the set is and whatever moves in it meanwhile."""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from teep.api.base import page_start
from teep.api.jobs.filters import Filter
from teep.wire import scripts
from teep.wire.keys import Key
from teep.wire.scripts import Order, Place, Way
from teep.wire.stored import Stored

E = TypeVar("E")

# Entries looked at in a step, where Redis passes on only what holds certain words.
_STEP = 2_000


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


def _behind(place: Place) -> Place:
    return Place(place.score, place.behind + 1)
