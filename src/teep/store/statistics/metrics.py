"""Execution metrics: the runs of each job class, by minute for 8 hours and by ten minutes for 72.

1. `add` writes the metrics of a process for one minute, as Sidekiq 8 does.
2. Sidekiq 7 and 8 name their keys differently; in a fleet of both, each process writes its own. `all_jobs` and
   `one_job` read both names. Their caller adds up the numbers that come for the same bucket.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from teep.store.statistics import deploys
from teep.wire import commands, keys, metrics, scripts
from teep.wire.command import Command
from teep.wire.keys import Key

# Buckets of a minute are kept for so many minutes. Those of ten minutes are kept as long as a query reaches back.
MINUTES_KEPT = 480
MINUTES_SECONDS = MINUTES_KEPT * metrics.MINUTE
TEN_MINUTES_SECONDS = 72 * 60 * 60

METRICS = ("p", "f", "ms")


class Batch(NamedTuple):
    """The metrics that a process adds in one step: those of its job classes for the minute of `at` (UTC).

    Later batches of the same process have higher numbers, by which a repeated one is recognised.
    """

    number: int
    at: datetime
    tallies: Mapping[str, metrics.Tally]


async def add(identity: str, batch: Batch) -> bool:
    """Add a batch, unless it or a later one was added before; True if it was added. One round trip."""
    at, tallies = batch.at, batch.tallies
    return await scripts.add_metrics(
        (keys.metrics_written(identity), batch.number, TEN_MINUTES_SECONDS),
        (
            (keys.metrics_minute(at), MINUTES_SECONDS),
            (keys.metrics_ten_minutes(at), TEN_MINUTES_SECONDS),
        ),
        [(f"{job}|{metric}", by) for job, tally in tallies.items() for metric, by in tally.fields()],
        {keys.histogram(job, at): tally.slots() for job, tally in tallies.items() if tally.succeeded},
    )


async def forget(identity: str) -> None:
    """Forget the number of a process's last batch, when it will write no more. One round trip."""
    await commands.unlink(keys.metrics_written(identity))


class Window(NamedTuple):
    """The buckets to read: `length` of them, `seconds` long, of which the newest holds `now` (UTC)."""

    now: datetime
    seconds: int
    length: int

    @property
    def starts(self) -> list[datetime]:
        """The start of every bucket, oldest first."""
        newest = metrics.bucket_start(self.now, self.seconds)
        return [newest - timedelta(seconds=self.seconds * back) for back in reversed(range(self.length))]

    @property
    def minutes(self) -> list[datetime]:
        """The start of every minute in it that is still kept, oldest first."""
        newest = metrics.bucket_start(self.now, metrics.MINUTE)
        minutes = min(MINUTES_KEPT, (newest - self.starts[0]) // timedelta(minutes=1) + 1)
        return [newest - timedelta(minutes=back) for back in reversed(range(minutes))]

    def bucket(self, at: datetime) -> str:
        """The name of the bucket that a time lies in: its start, as in "2026-11-24T02:30:00Z"."""
        return metrics.stamp(metrics.bucket_start(at, self.seconds))


class Sample(NamedTuple):
    """A number, as the processes of one version wrote it: `metric` is p (processed), f (failed) or ms."""

    bucket: str
    job: str
    metric: str
    value: int


class Reading(NamedTuple):
    """The content of a window. Histograms are (bucket, 26 counts); marks (time, label), oldest first."""

    samples: list[Sample]
    histograms: list[tuple[str, list[int]]]
    marks: list[tuple[datetime, str]]


async def all_jobs(window: Window) -> Reading:
    """Return every class's numbers. One round trip, of one HGETALL per bucket and version."""
    hashes = list(_hashes(window))
    marks = deploys.reading(window.starts[0], window.now)
    replies = iter(await commands.pipeline_of([*(commands.hgetall(key) for _, key in hashes), *marks]))
    samples = [sample for bucket, _ in hashes for sample in _samples(bucket, next(replies))]
    return Reading(samples, [], deploys.within(replies, window.starts[0], window.now))


async def one_job(window: Window, job: str) -> Reading:
    """Return one class's numbers and, if buckets are minutes, its histograms.

    One round trip, of one HMGET and one GET per bucket and version.
    """
    hashes, histograms = list(_hashes(window)), list(_histograms(window, job))
    fields = [f"{job}|{metric}" for metric in METRICS]
    reads: list[Command[Any]] = [
        *(commands.hmget(key, *fields) for _, key in hashes),
        *(commands.get(key) for _, key in histograms),
        *deploys.reading(window.starts[0], window.now),
    ]
    replies = iter(await commands.pipeline_of(reads))
    samples = [
        Sample(bucket, job, metric, int(value))
        for bucket, _ in hashes
        for metric, value in zip(METRICS, next(replies), strict=True)
        if value is not None
    ]
    found = [(bucket, metrics.counts(raw)) for bucket, _ in histograms if (raw := next(replies)) is not None]
    return Reading(samples, found, deploys.within(replies, window.starts[0], window.now))


def _hashes(window: Window) -> Iterator[tuple[str, Key]]:
    """The buckets and keys to read. Sidekiq 7 wrote minutes only: they count into the ten that they lie in."""
    name = keys.metrics_minute if window.seconds == metrics.MINUTE else keys.metrics_ten_minutes
    for start in window.starts:
        yield metrics.stamp(start), name(start)
    for minute in window.minutes:
        yield window.bucket(minute), keys.metrics_minute_of_sidekiq_7(minute)


def _histograms(window: Window, job: str) -> Iterator[tuple[str, Key]]:
    if window.seconds == metrics.MINUTE:
        for minute in window.minutes:
            yield metrics.stamp(minute), keys.histogram(job, minute)
            yield metrics.stamp(minute), keys.histogram_of_sidekiq_7(job, minute)


def _samples(bucket: str, fields: Mapping[str, bytes]) -> Iterator[Sample]:
    for field, value in fields.items():
        job, _, metric = field.rpartition("|")
        if metric in METRICS:
            yield Sample(bucket, job, metric, int(value))
