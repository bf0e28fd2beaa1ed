"""The dashboard: what happens now, how it went lately, every queue, and the server it all lies in."""

import asyncio
from datetime import timedelta
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncHistory, AsyncMetricsQuery, AsyncStats
from teep.api.facts import AsyncServer, ServerFacts
from teep.api.timeline import AsyncTimeline, TimelinePoint
from teep.config import Config
from teep.errors import RedisDenied
from teep.web import live, urls
from teep.web.known.recorded import Recorded, trail_of_hour
from teep.web.pages.fleet.queues import trails_of
from teep.web.pages.metrics.reading import Column, Step
from teep.web.registry import Pages, Tab
from teep.web.rendering import Visit, page_with, visit_of
from teep.web.rendering.shared import shared
from teep.web.trails import Trail

DAYS = (7, 30, 90, 180)
HOURS = (24, 72)
_RECORDED_HOURS = (1, *HOURS)
_MOST_DAYS = 180
_FIRST_DAYS = 30
# Of more steps a chart shows no more.
_STEPS = 72
# Minutes in which a number of the program's own should have been read.
_LATELY = 3


class Past(NamedTuple):
    """A bucket of the history: its time as ISO 8601 has it, and how many jobs ran and failed; None is a gap."""

    at: str
    processed: float | None
    failed: float | None


# What the chart of the fleet shows, by the timeline's name and the name's key.
_FLEET = {"enqueued": "summary.enqueued", "busy": "summary.busy", "retries": "summary.retries"}


class Gauge(NamedTuple):
    """A number of the program's own: its value (None: it has not been read lately), and its last hour."""

    name: str
    value: float | None
    trail: Trail


async def dashboard(request: Request) -> Response:
    """Answer with the dashboard; `?days=7` or `?hours=24` say how much of the past it shows."""
    query = request.query_params
    hours = urls.integer(query, "hours", range(1, 73), 0)
    days = 0 if hours else urls.integer(query, "days", range(1, _MOST_DAYS + 1), _FIRST_DAYS)
    visit = visit_of(request)
    reading = _read(visit, days, hours)
    recent = live.Sampler.of(visit.site).recent
    rates = [_rate(a, b) for a, b in zip(recent, list(recent)[1:], strict=False)]
    return await page_with(request, "dashboard.html", reading, days=days, hours=hours, all_days=DAYS, rates=rates)


async def _read(visit: Visit, days: int, hours: int) -> dict[str, Any]:
    config, recorded = visit.config, Recorded.of(visit.site)
    hour, timeline, queues, facts = await asyncio.gather(
        recorded.last(),
        _timeline(recorded, hours),
        AsyncStats(config=config).queue_summaries(),
        _facts(config),
    )
    return {
        "past": await _past(config, days, hours) if timeline is None else _recorded(timeline),
        "fleet": None if timeline is None else _fleet(timeline),
        "fleet_lines": [Column(visit.words(key), {}) for key in _FLEET.values()],
        "gauges": [] if hour is None else _gauges(hour),
        "all_hours": HOURS if hour is None else _RECORDED_HOURS,
        "queues": queues,
        "facts": facts,
        "trails": trails_of(visit.site, queues, hour),
    }


async def _timeline(recorded: Recorded, hours: int) -> AsyncTimeline | None:
    """Return the history of the last hours, in steps of whole minutes; None if there is none, or by days."""
    step = timedelta(minutes=max(hours * 60 // _STEPS, 1))
    return await recorded.last(timedelta(hours=hours), step) if hours else None


def _recorded(timeline: AsyncTimeline) -> list[Past]:
    """Return what the history says, but for the last step, which has only begun."""
    both = list(zip(timeline.processed, timeline.failed, strict=True))[:-1]
    return [Past(_stamp(ran), ran.value, failed.value) for ran, failed in both]


def _fleet(timeline: AsyncTimeline) -> list[Step]:
    columns = [getattr(timeline, name) for name in _FLEET]
    return [Step(_stamp(points[0]), [point.value for point in points]) for points in zip(*columns, strict=True)]


def _gauges(hour: AsyncTimeline) -> list[Gauge]:
    found = []
    for name, points in hour.gauges.items():
        lately = [point.value for point in points[-_LATELY:] if point.value is not None]
        found.append(Gauge(name, lately[-1] if lately else None, trail_of_hour(points)))
    return found


def _stamp(point: TimelinePoint) -> str:
    return f"{point.at:%Y-%m-%dT%H:%M:%SZ}"


async def _past(config: Config, days: int, hours: int) -> list[Past]:
    return await (_by_hours(config, hours) if hours else _by_days(config, days))


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
