"""Metrics: which classes took the most time, and how one of them ran."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncMetricsQuery, JobResult
from teep.web import urls
from teep.web.pages.metrics.reading import (
    PERIODS,
    Column,
    columns,
    marks_of,
    period_of,
    quantile,
    span_of,
    steps,
)
from teep.web.registry import Pages, Tab
from teep.web.rendering import page_with, printable, visit_of
from teep.web.rendering.shared import shared
from teep.web.rendering.words import Words

MOST_CLASSES = 100
CHARTED = 5


async def top(request: Request) -> Response:
    """GET /metrics: the classes, those first that took the most time; `period` and `substr` are Sidekiq's."""
    visit = visit_of(request)
    period = period_of(request.query_params.get("period", ""))
    text = request.query_params.get("q", request.query_params.get("substr", "")).strip()

    async def reading() -> dict[str, Any]:
        query = AsyncMetricsQuery(config=visit.config)
        result = await query.top_jobs(text or None, minutes=period.minutes, hours=period.hours)
        jobs = list(result.job_results.items())
        lines = [Column(printable(name), job.series["s"]) for name, job in jobs[:CHARTED]]
        return {
            "jobs": jobs[:MOST_CLASSES],
            "more": max(len(jobs) - MOST_CLASSES, 0),
            "lines": lines,
            "steps": steps(result.buckets, lines, period),
            "marks": marks_of(result),
        }

    return await page_with(request, "metrics/metrics.html", reading(), period=period, periods=PERIODS, text=text)


async def one(request: Request) -> Response:
    """GET /metrics/CLASS: how often, how long and how well one class ran."""
    visit = visit_of(request)
    period = period_of(request.query_params.get("period", ""))
    klass = urls.from_path(request.path_params["klass"])

    async def reading() -> dict[str, Any]:
        query = AsyncMetricsQuery(config=visit.config)
        result = await query.for_job(klass, minutes=period.minutes, hours=period.hours)
        job = result.job_results[klass]
        times, runs = columns(job, visit.words)
        return {
            "job": job,
            "times": times,
            "times_steps": steps(result.buckets, times, period, per=runs[0]),
            "runs": runs,
            "runs_steps": steps(result.buckets, runs, period),
            "marks": marks_of(result),
            **_distribution(job, visit.words),
        }

    return await page_with(request, "metrics/class.html", reading(), klass=klass, period=period, periods=PERIODS)


def _distribution(job: JobResult, words: Words) -> dict[str, Any]:
    """Return the rows of the histogram, without the empty ones at its ends, and what most runs stay within."""
    counts = [sum(slot) for slot in zip(*job.hist.values(), strict=True)]
    filled = [slot for slot, count in enumerate(counts) if count]
    if not filled:
        return {"histogram": [], "half": None, "most": None}
    rows = [(span_of(words, slot), counts[slot]) for slot in range(filled[0], filled[-1] + 1)]
    half, most = (span_of(words, quantile(counts, share)) for share in (0.5, 0.95))
    return {"histogram": rows, "half": half, "most": most}


PAGES = (
    Pages(
        routes=(Route("/metrics", shared(top)), Route("/metrics/{klass}", shared(one))),
        tab=Tab("metrics", "nav.metrics", 70),
        static=Path(__file__).parent / "static",
    ),
)
