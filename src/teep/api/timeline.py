"""The timeline: what a whole fleet was like, minute by minute or hour by hour, as its leader has sampled it."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple, Self

from teep.api.base import Api, AsyncApi, SyncApi
from teep.client import AsyncClient, Client
from teep.client.times import epoch
from teep.config import Config
from teep.errors import InvalidType, InvalidValue
from teep.store.statistics import history
from teep.store.statistics.history import HOUR, HOURS_KEPT, MINUTES_KEPT, Record, Series
from teep.wire.metrics import MINUTE, bucket_start

_LAST = timedelta(hours=1)
_Records = Mapping[datetime, Record]


SERIES = ("processed", "failed", *history.SIZES)
"""The names of a timeline's own series."""


class TimelinePoint(NamedTuple):
    """A step of a timeline: its start (UTC), its value, and the highest sample in it.

    Both are None in a gap. Counted runs have no samples, so no `peak`.
    """

    at: datetime
    value: float | None
    peak: float | None


class QueueTimeline(NamedTuple):
    """The jobs that waited in a queue, and how long (seconds) the next one had waited."""

    size: list[TimelinePoint]
    latency: list[TimelinePoint]


class _Timeline(Api):
    """What the fleet was like in the last hour, or longer, as points from the oldest to the newest.

    A worker with `history=True` has to lead the fleet for that: it samples every 10 seconds. Minutes are kept for 72
    hours, and hours for 90 days. If nobody sampled in a step, its points are None: that is a gap, and no zero.

    One round trip, when the first points are read: an HGETALL for each hour of minutes, or for each day of hours.

    Args:
        last: how far back it reaches: seconds or a timedelta, up to 90 days.
        step: seconds or a timedelta between two points, in whole minutes; default: a minute up to 72 hours, beyond
            that an hour. The steps begin at multiples of it in UTC, and the newest holds `until`.
        until: its end, a datetime or epoch seconds; default: now.

    Raises:
        InvalidValue: it would reach further than what is kept, or the steps are no whole minutes.
    """

    _records: _Records

    def __init__(
        self,
        last: float | timedelta = _LAST,
        step: float | timedelta | None = None,
        until: datetime | float | None = None,
        *,
        config: Config | None = None,
        client: Client | AsyncClient | None = None,
    ) -> None:
        super().__init__(config=config, client=client)
        seconds, self._seconds = _range(last, step)
        self._until = datetime.fromtimestamp(time.time() if until is None else epoch(until), UTC)
        newest = bucket_start(self._until, self._seconds)
        steps = max(-(-seconds // self._seconds), 1)
        self._starts = [newest - timedelta(seconds=self._seconds * back) for back in reversed(range(steps))]

    @property
    def step(self) -> timedelta:
        """The time from one point to the next."""
        return timedelta(seconds=self._seconds)

    @property
    def starts_at(self) -> datetime:
        """The start of the oldest step."""
        return self._starts[0]

    @property
    def ends_at(self) -> datetime:
        """Its end, which lies in the newest step, so that this one may still grow."""
        return self._until

    @property
    def is_empty(self) -> bool:
        """Whether nobody has sampled in all this time."""
        return not self._records

    @property
    def processed(self) -> list[TimelinePoint]:
        """How many runs ended in each step, failed ones included."""
        return self._counts(lambda record: record.processed)

    @property
    def failed(self) -> list[TimelinePoint]:
        """How many runs failed in each step."""
        return self._counts(lambda record: record.failed)

    @property
    def enqueued(self) -> list[TimelinePoint]:
        """How many jobs waited in all queues, on average."""
        return self._sizes("enqueued")

    @property
    def scheduled(self) -> list[TimelinePoint]:
        """How many jobs lay in the scheduled set, on average."""
        return self._sizes("scheduled")

    @property
    def retries(self) -> list[TimelinePoint]:
        """How many jobs lay in the retry set, on average."""
        return self._sizes("retries")

    @property
    def dead(self) -> list[TimelinePoint]:
        """How many jobs lay in the dead set, on average."""
        return self._sizes("dead")

    @property
    def busy(self) -> list[TimelinePoint]:
        """How many jobs ran, on average."""
        return self._sizes("busy")

    @property
    def queues(self) -> dict[str, QueueTimeline]:
        """The queues in which jobs have waited, by name; of more than a hundred, those that were the longest."""
        peaks: dict[str, float] = {}
        for record in self._records.values():
            for name, series in record.queue_sizes.items():
                peaks[name] = max(series.peak, peaks.get(name, 0))
        longest = sorted(peaks, key=lambda name: -peaks[name])[: history.MOST_QUEUES]
        return {name: self.queue(name) for name in sorted(longest)}

    def queue(self, name: str) -> QueueTimeline:
        """Return one of the queues, which has zeros if no jobs have waited in it.

        If a step's record has no room for all queues that had jobs, one that it does not name is a gap there.
        """
        name = history.legible(name)
        return QueueTimeline(
            self._averages(lambda record: _with_zeros(record, record.queue_sizes.get(name))),
            self._averages(lambda record: _with_zeros(record, record.latencies.get(name))),
        )

    @property
    def gauges(self) -> dict[str, list[TimelinePoint]]:
        """The values of `config.gauge`, on average, by name."""
        names = {name for record in self._records.values() for name in record.gauges}
        return {name: self._gauge(name) for name in sorted(names)}

    def _gauge(self, name: str) -> list[TimelinePoint]:
        return self._averages(lambda record: record.gauges.get(name))

    def _counts(self, count: Callable[[Record], int | None]) -> list[TimelinePoint]:
        points = []
        for at, records in self._steps.items():
            known = [runs for record in records if (runs := count(record)) is not None]
            points.append(TimelinePoint(at, sum(known) if known else None, None))
        return points

    def _sizes(self, name: str) -> list[TimelinePoint]:
        return self._averages(lambda record: record.sizes.get(name))

    def _averages(self, series: Callable[[Record], Series | None]) -> list[TimelinePoint]:
        return [
            _average(at, [found for record in records if (found := series(record)) is not None])
            for at, records in self._steps.items()
        ]

    @cached_property
    def _steps(self) -> dict[datetime, list[Record]]:
        steps: dict[datetime, list[Record]] = {at: [] for at in self._starts}
        for at, record in self._records.items():
            steps[bucket_start(at, self._seconds)].append(record)
        return steps

    async def _read(self) -> _Records:
        seconds = HOUR if self._seconds % HOUR == 0 else MINUTE
        return await history.read(self._starts[0], self._starts[-1] + self.step - timedelta(seconds=1), seconds)


class Timeline(_Timeline, SyncApi):
    @cached_property
    def _records(self) -> _Records:  # type: ignore[override]
        return self._run(self._read())


class AsyncTimeline(_Timeline, AsyncApi):
    @classmethod
    async def fetch(
        cls,
        last: float | timedelta = _LAST,
        step: float | timedelta | None = None,
        until: datetime | float | None = None,
        *,
        config: Config | None = None,
        client: AsyncClient | None = None,
    ) -> Self:
        """Return the timeline, with all of its points read. One round trip."""
        timeline = cls(last, step, until, config=config, client=client)
        timeline._records = await timeline._run(timeline._read())
        return timeline


def _range(last: float | timedelta, step: float | timedelta | None) -> tuple[int, int]:
    """Return the seconds that a timeline covers, and those of its steps."""
    covered = _seconds("last", last)
    if not 0 < covered <= HOURS_KEPT:
        raise InvalidValue(f"a timeline covers up to {HOURS_KEPT // 86_400} days, not {last!r}")
    each = (MINUTE if covered <= MINUTES_KEPT else HOUR) if step is None else _seconds("step", step)
    if each % MINUTE or not MINUTE <= each <= (MINUTES_KEPT if each % HOUR else HOURS_KEPT):
        raise InvalidValue(
            f"the steps of a timeline must be whole minutes up to 72 hours, or whole hours, not {step!r}"
        )
    if each % HOUR and covered > MINUTES_KEPT:
        raise InvalidValue(f"minutes are kept for {MINUTES_KEPT // HOUR} hours; beyond, steps must be whole hours")
    return int(covered), int(each)


def _seconds(name: str, value: float | timedelta) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidType(f"{name} must be seconds or a timedelta, not {value!r}")
    return value


def _with_zeros(record: Record, series: Series | None) -> Series | None:
    """Return the samples of a queue. Those in which it was empty do not have it."""
    if not record.has_all_queues or (series is not None and series.samples == record.samples):
        return series
    return Series(record.samples, 0.0, 0.0) if series is None else Series(record.samples, series.total, series.peak)


def _average(at: datetime, found: Sequence[Series]) -> TimelinePoint:
    samples = sum(series.samples for series in found)
    if not samples:
        return TimelinePoint(at, None, None)
    return TimelinePoint(at, sum(series.total for series in found) / samples, max(series.peak for series in found))
