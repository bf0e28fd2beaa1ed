"""Metrics: which classes took the most time lately, and how each ran."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from teep.api.jobs.selection import words
from teep.api.metrics import AsyncMetricsQuery, JobResult, MetricsResult
from teep.clock import monotonic
from teep.config import Config
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, span
from teep.top.lists.views import Goto, Tab, View
from teep.top.tabs.tab import Rows, facts, paged
from teep.top.widgets.braille import chart

_WIDTH, _HEIGHT = 44, 6
_KEPT = 60.0
"""Seconds for which an answer is shown; a point of a chart is a minute at least."""


class Period(NamedTuple):
    """How far back one looks."""

    minutes: int | None
    hours: int | None


PERIODS = {"last hour": Period(60, None), "last 8 hours": Period(480, None), "last 72 hours": Period(None, 72)}


class Metrics(Tab):
    name, title = "metrics", "Metrics"
    nouns = ("class", "classes")
    empty = "No job has run in this time."
    modes = tuple(PERIODS)
    columns = (
        Column("class"), Column("runs", 12, right=True), Column("failed", 12, right=True),
        Column("average", 9, right=True), Column("together", 9, 1, right=True),
    )  # fmt: skip

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._known: MetricsResult | None = None
        self._period, self._since = "", 0.0

    async def read(self, view: View) -> Listing:
        result = await self._result(self.modes[view.mode])
        jobs = list(result.job_results.items())
        return paged(Rows(jobs, lambda pair: _row(*pair, result.buckets)), view, "classes")

    async def _result(self, period: str) -> MetricsResult:
        """Return what is known of a period. Redis is asked once a minute: three days are a thousand hashes."""
        if self._known is None or self._period != period or monotonic() - self._since >= _KEPT:
            minutes, hours = PERIODS[period]
            query = AsyncMetricsQuery(config=self.config)
            self._known = await query.top_jobs(minutes=minutes, hours=hours)
            self._period, self._since = period, monotonic()
        return self._known

    async def detail(self, row: Row, view: View) -> list[Line]:
        job, buckets = row.thing
        failed = job.series["f"]
        latest = f"{datetime.now(UTC):%H:%M} UTC"
        pairs = [
            ("period", self.modes[view.mode]),
            ("runs", row.cells[1]),
            ("failed", row.cells[2]),
            ("average", row.cells[3]),
            ("together", row.cells[4]),
        ]
        runs = [job.series["p"].get(bucket, 0) for bucket in buckets]
        times = [job.series_avg("s").get(bucket, 0) for bucket in buckets]
        lines = [Line(plain(row.key), "title"), *facts(pairs)]
        lines += [Line(), Line(f"runs, up to {latest}", "label"), *_drawn(runs)]
        lines += [Line("seconds of one", "label"), *_drawn(times)]
        if any(failed.values()):
            lines += [Line("failed", "label"), *_drawn([failed.get(bucket, 0) for bucket in buckets])]
        return lines

    def enter(self, row: Row, view: View) -> Goto:  # noqa: ARG002 - as of every tab
        return Goto("retries", words.written("class", row.key))

    def copied(self, row: Row) -> tuple[str, str]:
        return "class", row.key


def _row(name: str, job: JobResult, buckets: Sequence[str]) -> Row:
    totals = job.totals
    cells = (
        plain(name), number(totals["p"]), number(totals["f"]), span(job.total_avg("s")), span(totals["s"]),
    )  # fmt: skip
    return Row(name, cells, (job, buckets))


def _drawn(values: Sequence[float]) -> list[Line]:
    """Return a chart of some buckets, as many of them joined in a dot as its width needs."""
    joined = -(-len(values) // (2 * _WIDTH)) or 1
    parts = [values[at : at + joined] for at in range(0, len(values), joined)]
    return [Line(line) for line in chart([sum(part) / len(part) for part in parts], _WIDTH + 8, _HEIGHT)]
