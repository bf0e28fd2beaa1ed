"""The history that the leader records, as pages show it, if it records one."""

import time
from collections.abc import Mapping
from datetime import timedelta

from teep.api.timeline import AsyncTimeline, TimelinePoint
from teep.web.rendering import Site
from teep.web.trails import Point, Trail

HOUR = timedelta(hours=1)
# Seconds until one asks again for what was not there: a fleet without a history pays next to nothing for it.
_PATIENCE = 60.0
# A line of an hour is broken where more than a minute is missing.
_GAP = 150.0


class Recorded:
    """What an app knows of the history."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._none_until: dict[timedelta, float] = {}

    @classmethod
    def of(cls, site: Site) -> "Recorded":
        """Return that of an app."""
        made: Recorded = site.shared.setdefault("recorded", cls(site))
        return made

    async def last(self, span: timedelta = HOUR, step: timedelta | None = None) -> AsyncTimeline | None:
        """Return the timeline up to now, or None if nothing was recorded in this time. At most one round trip."""
        now = time.monotonic()
        if now < self._none_until.get(span, now):
            return None
        timeline = await AsyncTimeline.fetch(span, step, config=self._site.config)
        if timeline.is_empty:
            self._none_until[span] = now + _PATIENCE
            return None
        return timeline


class QueueTrails:
    """How long queues were in the last hour, by name; `sizes` says how long they are now."""

    def __init__(self, timeline: AsyncTimeline, sizes: Mapping[str, float]) -> None:
        self._timeline = timeline
        self._sizes = sizes

    def trail(self, name: str) -> Trail:
        """Return the last hour of a queue."""
        return trail_of_hour(self._timeline.queue(name).size, self._sizes.get(name))


def trail_of_hour(points: list[TimelinePoint], latest: float | None = None) -> Trail:
    """Return points of the last hour as a line, which ends at the latest value if that is known."""
    now = time.time()
    known = [Point(point.at.timestamp(), point.value) for point in points if point.value is not None]
    if latest is not None:
        known.append(Point(now, latest))
    return Trail(tuple(known), kept=HOUR.total_seconds(), gap=_GAP, step=0.0, end=now)
