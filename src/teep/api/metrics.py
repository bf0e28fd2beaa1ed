"""Execution metrics: how often, how long and how well each job class ran, lately."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Literal, NamedTuple

from teep.api.base import Api, AsyncApi, SyncApi
from teep.client import AsyncClient, Client
from teep.client.times import epoch
from teep.config import Config
from teep.drivers.operation import operation
from teep.store.statistics import metrics as store
from teep.wire import metrics

Granularity = Literal["minutely", "hourly"]

_METRICS = (*store.METRICS, "s")
_MOST_MINUTES, _DEFAULT_MINUTES = store.MINUTES_KEPT, 60
_MOST_HOURS = 72


class DeployMark(NamedTuple):
    """A deploy: its minute in UTC, its label, and the bucket it falls into."""

    time: datetime
    label: str
    bucket: str


@dataclass
class JobResult:
    """The metrics of one job class. A bucket without data is absent.

    Metrics: `p` runs, failed ones included; `f` failed runs; `ms` milliseconds of the runs that succeeded; `s` the
    same in seconds. Sidekiq's JobResult.
    """

    hist_bounds: ClassVar = metrics.BOUNDS
    hist_labels: ClassVar = metrics.LABELS

    series: dict[str, dict[str, float]] = field(default_factory=lambda: {metric: {} for metric in _METRICS})
    """Metric to {bucket: value}, oldest bucket first."""
    hist: dict[str, list[int]] = field(default_factory=dict)
    """Bucket to the 26 counts of runs faster than `hist_bounds` (ms), the fastest first; of minutes only.

    Sidekiq has the slowest first.
    """
    totals: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_METRICS, 0))

    def total_avg(self, metric: str = "ms") -> float:
        """Return a metric for each run that succeeded, over the whole time; 0 if none did."""
        return _average(self.totals[metric], self.totals["p"], self.totals["f"])

    def series_avg(self, metric: str = "ms") -> dict[str, float]:
        """Return a metric for each run that succeeded, by bucket."""
        runs, failed = self.series["p"], self.series["f"]
        return {
            bucket: _average(value, runs.get(bucket, 0), failed.get(bucket, 0))
            for bucket, value in self.series[metric].items()
        }

    def add_metric(self, metric: str, bucket: str, value: int) -> None:
        """Add to p, f or ms."""
        self.totals[metric] += value
        series = self.series[metric]
        series[bucket] = series.get(bucket, 0) + value
        if metric == "ms":
            self.totals["s"] = self.totals["ms"] / 1000
            self.series["s"][bucket] = series[bucket] / 1000

    def add_hist(self, bucket: str, counts: list[int]) -> None:
        """Add a histogram to a bucket's."""
        so_far = self.hist.get(bucket)
        self.hist[bucket] = counts if so_far is None else [a + b for a, b in zip(so_far, counts, strict=True)]


@dataclass
class MetricsResult:
    """The result of a query. Buckets are named by their start in UTC: "2026-11-24T02:30:00Z". Sidekiq's Result."""

    granularity: Granularity
    """Buckets are minutes, or ten minutes for "hourly"."""
    starts_at: datetime
    """The start of the oldest bucket."""
    ends_at: datetime
    buckets: list[str]
    """Every bucket of the query, oldest first, as a chart's axis needs them."""
    job_results: dict[str, JobResult]
    marks: list[DeployMark]
    """The deploys in this time, oldest first."""


class _MetricsQuery(Api):
    """Reads execution metrics up to `now`: a datetime or epoch seconds; default: the time of each call.

    Sidekiq's query stays at the time at which it was constructed; one of teep's that is kept sees what came since.

    teep's workers and Sidekiq >= 7 write them; the keys of all these versions are read. Buckets of a minute are kept
    for 8 hours, and buckets of ten minutes (teep, Sidekiq >= 8) for 72. Sidekiq's Metrics::Query.
    """

    def __init__(
        self,
        now: datetime | float | None = None,
        *,
        config: Config | None = None,
        client: Client | AsyncClient | None = None,
    ) -> None:
        super().__init__(config=config, client=client)
        self._until = None if now is None else datetime.fromtimestamp(epoch(now), UTC)

    @operation
    async def top_jobs(
        self,
        class_filter: str | re.Pattern[str] | None = None,
        minutes: int | None = _DEFAULT_MINUTES,
        hours: int | None = None,
    ) -> MetricsResult:
        """Return the metrics of every class in the last `minutes`, or in the last `hours` by ten minutes.

        Classes that took the most time come first. `class_filter` keeps those that contain a string, in any case,
        or in which a pattern is found. Minutes outside 1 to 480 count as 60, hours beyond 72 as 72.

        One round trip: two HGETALL a minute, or six an hour and one for each minute of the last 8 hours.
        """
        window = _window(self._until or datetime.now(UTC), minutes, hours)
        reading = await store.all_jobs(window)
        wanted = _matcher(class_filter)
        jobs: dict[str, JobResult] = defaultdict(JobResult)
        for bucket, job, metric, value in sorted(reading.samples):
            if wanted(job):
                jobs[job].add_metric(metric, bucket, value)
        slowest_first = sorted(jobs.items(), key=lambda item: -item[1].totals["ms"])
        return _result(window, dict(slowest_first), reading.marks)

    @operation
    async def for_job(self, klass: str, minutes: int | None = None, hours: int | None = None) -> MetricsResult:
        """Return the metrics of one class, minutes with histograms; `job_results` has it even if it did nothing.

        Times as in `top_jobs`. One round trip: two HMGET and two GET a minute (Sidekiq: one round trip a minute).
        """
        window = _window(self._until or datetime.now(UTC), minutes, hours)
        reading = await store.one_job(window, klass)
        result = JobResult()
        for bucket, _, metric, value in sorted(reading.samples):
            result.add_metric(metric, bucket, value)
        for bucket, counts in reading.histograms:
            result.add_hist(bucket, counts)
        return _result(window, {klass: result}, reading.marks)


class MetricsQuery(_MetricsQuery, SyncApi): ...


class AsyncMetricsQuery(_MetricsQuery, AsyncApi): ...


def _window(now: datetime, minutes: int | None, hours: int | None) -> store.Window:
    if hours is not None:
        return store.Window(now, metrics.TEN_MINUTES, max(1, min(hours, _MOST_HOURS)) * 6)
    asked = _DEFAULT_MINUTES if minutes is None else minutes
    return store.Window(now, metrics.MINUTE, asked if 1 <= asked <= _MOST_MINUTES else _DEFAULT_MINUTES)


def _matcher(class_filter: str | re.Pattern[str] | None) -> Callable[[str], object]:
    if class_filter is None:
        return bool
    pattern = re.compile(re.escape(class_filter), re.IGNORECASE) if isinstance(class_filter, str) else class_filter
    return pattern.search


def _average(value: float, runs: float, failed: float) -> float:
    return value / (runs - failed) if runs != failed else 0.0


def _result(window: store.Window, jobs: dict[str, JobResult], marks: list[tuple[datetime, str]]) -> MetricsResult:
    return MetricsResult(
        granularity="minutely" if window.seconds == metrics.MINUTE else "hourly",
        starts_at=window.starts[0],
        ends_at=window.now,
        buckets=[metrics.stamp(start) for start in window.starts],
        job_results=jobs,
        marks=[DeployMark(at, label, window.bucket(at)) for at, label in marks],
    )
