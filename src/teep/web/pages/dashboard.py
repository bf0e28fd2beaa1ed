"""The dashboard: what happens now, how it went lately, every queue, and the server it all lies in."""

import asyncio
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncHistory, AsyncMetricsQuery, AsyncStats
from teep.api.facts import AsyncServer, ServerFacts
from teep.config import Config
from teep.errors import RedisDenied
from teep.web import live, urls
from teep.web.pages.fleet.queues import noted
from teep.web.registry import Pages, Tab
from teep.web.rendering import Visit, page_with, visit_of
from teep.web.rendering.shared import shared

DAYS = (7, 30, 90, 180)
HOURS = (24, 72)
_MOST_DAYS = 180
_FIRST_DAYS = 30


class Past(NamedTuple):
    """A bucket of the history: its time as ISO 8601 has it, and how many jobs ran and failed."""

    at: str
    processed: int
    failed: int


async def dashboard(request: Request) -> Response:
    """Answer with the dashboard; `?days=7` or `?hours=24` say how much of the past it shows."""
    query = request.query_params
    hours = urls.integer(query, "hours", range(1, 73), 0)
    days = 0 if hours else urls.integer(query, "days", range(1, _MOST_DAYS + 1), _FIRST_DAYS)
    visit = visit_of(request)
    reading = _read(visit, days, hours)
    recent = live.Sampler.of(visit.site).recent
    rates = [_rate(a, b) for a, b in zip(recent, list(recent)[1:], strict=False)]
    return await page_with(
        request, "dashboard.html", reading, days=days, hours=hours, all_days=DAYS, all_hours=HOURS, rates=rates
    )


async def _read(visit: Visit, days: int, hours: int) -> dict[str, Any]:
    config = visit.config
    past, queues, facts = await asyncio.gather(
        _by_hours(config, hours) if hours else _by_days(config, days),
        AsyncStats(config=config).queue_summaries(),
        _facts(config),
    )
    return {"past": past, "queues": queues, "facts": facts, "trails": noted(visit.site, queues)}


async def _by_days(config: Config, days: int) -> list[Past]:
    history = await AsyncHistory.fetch(days, config=config)
    return [Past(day, history.processed[day], history.failed[day]) for day in reversed(history.processed)]


async def _by_hours(config: Config, hours: int) -> list[Past]:
    """Return what the metrics say, by ten minutes."""
    result = await AsyncMetricsQuery(config=config).top_jobs(hours=hours)
    series = [job.series for job in result.job_results.values()]
    return [
        Past(bucket, *(int(sum(one[metric].get(bucket, 0) for one in series)) for metric in ("p", "f")))
        for bucket in result.buckets
    ]


async def _facts(config: Config) -> ServerFacts | None:
    try:
        return await AsyncServer(config=config).facts()
    except RedisDenied:
        return None


def _rate(a: live.Sample, b: live.Sample) -> tuple[float, float, float]:
    """Return a time, and how many jobs a second ran and failed since the sample before."""
    span = max(b.at - a.at, 0.001)
    done, failed = (max(b.stats[name] - a.stats[name], 0) / span for name in ("processed", "failed"))
    return b.at, done, failed


PAGES = (
    Pages(
        routes=(
            Route("/", shared(dashboard)),
            Route("/live", live.stream),
            Route("/live/summary", live.summary),
        ),
        tab=Tab("", "nav.dashboard", 0),
    ),
)
