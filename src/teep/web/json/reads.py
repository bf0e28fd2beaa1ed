"""What programs may read: the same as the pages show."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api import AsyncHistory, AsyncMetricsQuery, AsyncProfileSet, AsyncSortedEntry, AsyncStats, JobResult
from teep.api.facts import AsyncServer
from teep.api.timeline import SERIES, AsyncTimeline, TimelinePoint
from teep.web import urls
from teep.web.bulks import Bulk, Bulks
from teep.web.guard.access import Access
from teep.web.json.answers import Refused, answer
from teep.web.lists import entry_of, key_of, read_listing, row_of
from teep.web.pages.jobsets import JobSetPage
from teep.web.pages.metrics.reading import marks_of, period_of
from teep.web.rendering import visit_of

_MOST_DAYS = 180


async def stats(request: Request) -> Response:
    """The counters, and how many jobs lie where."""
    return answer(await AsyncStats(config=visit_of(request).config).fetch_stats())


async def history(request: Request) -> Response:
    """Runs by day."""
    days = urls.integer(request.query_params, "days", range(1, _MOST_DAYS + 1), 30)
    past = await AsyncHistory.fetch(days, config=visit_of(request).config)
    return answer({"processed": past.processed, "failed": past.failed, "expired": past.expired})


async def timeline(request: Request) -> Response:
    """What the leader has recorded, by steps."""
    query = request.query_params
    try:
        last, step = (float(query[name]) if query.get(name) else None for name in ("last", "step"))
        found = await AsyncTimeline.fetch(last or 3600.0, step, config=visit_of(request).config)
    except ValueError as error:  # no numbers, or none that a timeline takes
        raise Refused(400, str(error)) from error
    return answer({
        "step": found.step.total_seconds(), "starts": [point.at.isoformat() for point in found.processed],
        **{name: _values(getattr(found, name)) for name in SERIES},
        "queues": {
            name: {"size": _values(queue.size), "latency": _values(queue.latency)}
            for name, queue in found.queues.items()
        },
        "gauges": {name: _values(points) for name, points in found.gauges.items()},
    })  # fmt: skip


def _values(points: list[TimelinePoint]) -> list[float | None]:
    return [point.value for point in points]


async def queues(request: Request) -> Response:
    """Every queue."""
    found = await AsyncStats(config=visit_of(request).config).queue_summaries()
    return answer({"queues": [queue._asdict() for queue in found]})


async def server(request: Request) -> Response:
    """Redis itself."""
    return answer((await AsyncServer(config=visit_of(request).config).facts())._asdict())


async def metrics(request: Request) -> Response:
    """The classes that took the most time."""
    query = request.query_params
    period = period_of(query.get("period", ""))
    reading = AsyncMetricsQuery(config=visit_of(request).config)
    found = await reading.top_jobs(query.get("q") or None, minutes=period.minutes, hours=period.hours)
    jobs = [{"class": name, **_totals(job)} for name, job in found.job_results.items()]
    return answer({"period": period.name, "jobs": jobs, "deploys": [mark._asdict() for mark in marks_of(found)]})


async def metrics_of(request: Request) -> Response:
    """One class by time."""
    klass = urls.from_path(request.path_params["klass"])
    period = period_of(request.query_params.get("period", ""))
    reading = AsyncMetricsQuery(config=visit_of(request).config)
    found = await reading.for_job(klass, minutes=period.minutes, hours=period.hours)
    job = found.job_results[klass]
    series = {name: job.series[key] for name, key in (("runs", "p"), ("failed", "f"), ("seconds", "s"))}
    bounds = [*job.hist_bounds[:-1], None]
    return answer({
        "class": klass, "period": period.name, **_totals(job), "buckets": found.buckets, "series": series,
        "histogram_bounds_ms": bounds, "histograms": job.hist,
        "deploys": [mark._asdict() for mark in marks_of(found)],
    })  # fmt: skip


def _totals(job: JobResult) -> dict[str, Any]:
    totals = job.totals
    return {"runs": totals["p"], "failed": totals["f"], "seconds": totals["s"], "average": job.total_avg("s")}


async def profiles(request: Request) -> Response:
    """The profiles of the last day."""
    found = [
        {
            "key": urls.to_path(profile.key), "started_at": profile.started_at.isoformat(), "class": profile.type,
            "jid": profile.jid, "token": profile.token, "seconds": profile.elapsed, "bytes": profile.size,
        }
        async for profile in AsyncProfileSet(config=visit_of(request).config)
    ]  # fmt: skip
    return answer({"profiles": found})


async def jobs(of: JobSetPage, request: Request) -> Response:
    """A page of a set."""
    visit = visit_of(request)
    listing = await read_listing(request, of.jobset(visit.config))
    if listing.filter.problems:
        raise Refused(400, "; ".join(listing.filter.problems))
    page = listing.page
    return answer({
        "jobs": [job_of(entry, visit.access) for entry in page.items], "total": page.total,
        "looked_at": page.looked_at, "complete": page.complete,
        "next": listing.after().get("after"), "previous": listing.before().get("before"),
    })  # fmt: skip


async def job(of: JobSetPage, request: Request) -> Response:
    """One entry of a set."""
    visit = visit_of(request)
    entry = await entry_of(of.jobset(visit.config), request.path_params["key"])
    if entry is None:
        raise HTTPException(404)
    return answer({**job_of(entry, visit.access), "error_backtrace": entry.error_backtrace})


def job_of(entry: AsyncSortedEntry, access: Access) -> dict[str, Any]:
    """Return what a visitor may see of an entry."""
    row = row_of(entry, access)
    if access.arguments == "hide":
        shown = None
    else:
        shown = entry.display_args if access.arguments == "show" else access.arguments(entry)
    return {
        "key": key_of(entry), "at": None if row.at is None else row.at.isoformat(), "class": row.klass,
        "jid": row.jid, "queue": row.queue, "arguments": shown, "tags": list(row.tags),
        "error_class": row.error_class, "error_message": row.error_message, "retry_count": row.retry_count,
    }  # fmt: skip


async def action(request: Request) -> Response:
    """How far an action on many jobs is."""
    found = await Bulks.of(visit_of(request).site).find(request.path_params["id"])
    if found is None:
        raise HTTPException(404)
    return answer(action_of(found))


def action_of(bulk: Bulk) -> dict[str, Any]:
    """Return how far an action is."""
    return {
        "id": bulk.id, "action": bulk.action, "set": bulk.where, "q": bulk.filter, "state": bulk.state,
        "looked_at": bulk.looked_at, "out_of": bulk.out_of, "done": bulk.taken, "problem": bulk.problem,
    }  # fmt: skip
