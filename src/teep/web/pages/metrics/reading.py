"""What the charts and tables of metrics are made of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teep.api import JobResult, MetricsResult
from teep.web.rendering import printable
from teep.web.rendering.words import Words


class Period(NamedTuple):
    """How far back one looks, and how many of its buckets a step of the chart joins."""

    name: str
    hours: int | None
    minutes: int | None
    joined: int


# A chart of more than some 70 steps shows no more, and its table would fill the page.
PERIODS = (
    Period("1h", None, 60, 1),
    Period("2h", None, 120, 2),
    Period("4h", None, 240, 4),
    Period("8h", None, 480, 8),
    Period("24h", 24, None, 3),
    Period("48h", 48, None, 6),
    Period("72h", 72, None, 6),
)


def period_of(name: str) -> Period:
    """Return the period of a name, the first one for what is none."""
    return next((period for period in PERIODS if period.name == name), PERIODS[0])


class Column(NamedTuple):
    """A line of a chart: its name, and its value by bucket."""

    name: str
    series: Mapping[str, float]


class Step(NamedTuple):
    """A step of a chart: its start as ISO 8601 has it, and the value of each line; None is a gap in it."""

    at: str
    values: list[float | None]


class Mark(NamedTuple):
    """A deploy: when, and its label."""

    at: str
    label: str


def steps(buckets: Sequence[str], lines: Sequence[Column], period: Period, per: Column | None = None) -> list[Step]:
    """Return the steps of some lines, the oldest first; divided by those of `per` if that is given."""
    found = []
    for start in range(0, len(buckets), period.joined):
        joined = buckets[start : start + period.joined]
        divisor = 1.0 if per is None else _sum(per, joined)
        values = [_sum(line, joined) / divisor if divisor else None for line in lines]
        found.append(Step(joined[0], values))
    return found


def _sum(line: Column, buckets: Sequence[str]) -> float:
    return sum(line.series.get(bucket, 0) for bucket in buckets)


def columns(job: JobResult, words: Words) -> tuple[list[Column], list[Column]]:
    """Return the lines of one class: its time, and its runs that succeeded and failed."""
    failed = job.series["f"]
    succeeded = {bucket: runs - failed.get(bucket, 0) for bucket, runs in job.series["p"].items()}
    runs = [Column(words("metrics.succeeded"), succeeded), Column(words("summary.failed"), failed)]
    return [Column(words("metrics.average"), job.series["s"])], runs


def marks_of(result: MetricsResult) -> list[Mark]:
    """Return the deploys, the oldest first."""
    return [Mark(f"{mark.time:%Y-%m-%dT%H:%M:%SZ}", printable(mark.label)) for mark in result.marks]


def quantile(counts: Sequence[int], share: float) -> int:
    """Return the slot of a histogram that this share of the runs stay within."""
    so_far, wanted = 0, share * sum(counts)
    for slot, count in enumerate(counts):
        so_far += count
        if so_far >= wanted:
            return slot
    return len(counts) - 1


def span_of(words: Words, slot: int) -> str:
    """Return which run times a slot of a histogram holds."""
    bounds = JobResult.hist_bounds
    if slot == len(bounds) - 1:
        return words("metrics.over", span=_span(words, bounds[slot - 1]))
    return words("metrics.up_to", span=_span(words, bounds[slot]))


def _span(words: Words, ms: float) -> str:
    if ms < 1000:
        return words("time.ms", n=round(ms))
    digits = len(f"{ms / 1000:g}".partition(".")[2])
    return words("time.s", n=words.number(ms / 1000, digits))
