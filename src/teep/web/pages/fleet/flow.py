"""How a queue flows: what arrives, what leaves, and when it will be empty."""

import time
from datetime import datetime
from typing import NamedTuple

from teep.api import AsyncQueue, QueueSummary
from teep.web.trails import Trail

_LATEST = 100
_FEWEST = 10


class Flow(NamedTuple):
    """Jobs a second that arrive and leave, and the seconds until the queue is empty; None if that is not known.

    If more arrive than leave, `grows` is true.
    """

    arriving: float | None
    leaving: float | None
    empty_in: float | None
    grows: bool


async def hundredth(queue: AsyncQueue) -> datetime | None:
    """Return when the hundredth newest job was pushed; None if there are fewer. One round trip."""
    page = await queue.page(_LATEST, 1)
    return page.items[0].enqueued_at if page.items else None


def flow(summary: QueueSummary, pushed: datetime | None, trail: Trail, now: float | None = None) -> Flow:
    """Return how a queue flows.

    Whatever was pushed since the oldest of some jobs waits, too: so their number by its age is how many arrive.
    `pushed` is the time of the hundredth newest job; of a shorter queue the oldest job tells.
    """
    at = time.time() if now is None else now
    jobs, age = (summary.size, summary.latency) if pushed is None else (_LATEST, at - pushed.timestamp())
    arriving = jobs / age if jobs >= _FEWEST and age > 0 else None
    change = trail.change
    leaving = None if arriving is None or change is None else max(arriving - change, 0.0)
    empty_in = summary.size / -change if change is not None and change < 0 and summary.size else None
    return Flow(arriving, leaving, empty_in, grows=change is not None and change > 0)
