"""One queue: what holds it, who serves it, its jobs by pages and by class; and one of its jobs."""

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncJobRecord, AsyncQueue, AsyncStats
from teep.api.fleet.fleet import AsyncFleet
from teep.api.jobs.selection import words
from teep.web import urls
from teep.web.actions import DELETE
from teep.web.guard.access import Access
from teep.web.job import pages as job
from teep.web.job.view import Found
from teep.web.known.limited import Limited
from teep.web.known.recorded import QueueTrails, Recorded
from teep.web.lists import SIZES, Row, name_of, read_listing, row
from teep.web.pages.fleet.flow import flow, hundredth
from teep.web.pages.fleet.queue_actions import ROUTES, job_of, path_of
from teep.web.pages.fleet.serving import Served, held_by, services_of
from teep.web.registry import Pages
from teep.web.rendering import page_with, visit_of
from teep.web.rendering.shared import shared
from teep.web.trails import Trails
from teep.web.urls import from_path

GROUPED = 2_000
"""Up to so many jobs they are grouped at once; above, if that is asked for."""

_MOST_PAGES = 1_000_000


async def show(request: Request) -> Response:
    """GET /queues/NAME: a page of its jobs, the next to run first, with `direction=desc` the newest."""
    visit, query = visit_of(request), request.query_params
    name = from_path(request.path_params["name"])
    if number := urls.integer(query, "page", range(1, _MOST_PAGES), 0):  # Sidekiq's pages
        size = urls.integer(query, "count", range(1, 101), SIZES[0])
        after = f"{float((number - 1) * size)!r}_0" if number > 1 else None
        return visit.redirect(path_of(name), after=after, count=size, direction=query.get("direction"))
    return await page_with(
        request, "fleet/queue.html", _read(request, name), name=name, path=path_of(name), sizes=SIZES,
        class_filter=lambda klass: words.written("class", klass),
    )  # fmt: skip


async def _read(request: Request, name: str) -> dict[str, Any]:
    visit, query = visit_of(request), request.query_params
    config = visit.config
    queue = AsyncQueue(name, config=config)
    newest = query.get("direction") == "desc"
    summary, state, pushed, hour, waiting, listing = await asyncio.gather(
        AsyncStats(config=config).queue_summary(name),
        AsyncFleet(config=config).state(),
        hundredth(queue),
        Recorded.of(visit.site).last(),
        Limited.of(visit.site).waiting(),
        read_listing(request, queue, queue_row, reverse=newest, extra={"direction": "desc"} if newest else None),
    )
    wants = "groups" in query
    services = services_of(state)
    served = services.get(name, Served())
    trails = Trails.of(visit.site, "queues")
    trails.note({name: summary.size}, whole=False)
    trail = trails.trail(name)
    return {
        "queue": summary,
        "trail": trail if hour is None else QueueTrails(hour, {name: summary.size}).trail(name),
        "flow": flow(summary, pushed, trail),
        "listing": listing,
        "newest": newest,
        "served": served,
        "held": held_by(served, paused=summary.paused, waiting=summary.size),
        "limits": waiting.get(name, {}),
        "groups": await queue.groups() if wants or 0 < summary.size <= GROUPED else None,
        "still": wants and summary.size > GROUPED,
        "others": sorted(set(services) - {name}),
    }


def queue_row(record: AsyncJobRecord, access: Access) -> Row:
    """Return what is shown of a job in a queue; its key is about where it lies, and its jid or its digest."""
    return row(record, access, f"{record.position or 0}-{name_of(record)}", record.enqueued_at or record.created_at)


async def show_job(request: Request) -> Response:
    """GET /queues/NAME/jobs/KEY: one job, as the page of its jid shows it."""
    visit, found = visit_of(request), await _found(request)
    name = from_path(request.path_params["name"])
    if found is None:
        return visit.redirect(path_of(name), flash=visit.flash("sets.gone"))
    actions = [DELETE] if visit.access.may(DELETE.needs) else []
    return await job.show(request, found, actions, "fleet/queue_job.html", name=name, path=path_of(name))


async def show_raw(request: Request) -> Response:
    """GET /queues/NAME/jobs/KEY/raw: its bytes."""
    return await job.show_raw(request, await _must_find(request))


async def show_edit(request: Request) -> Response:
    """GET /queues/NAME/jobs/KEY/edit: its arguments, to change them."""
    return await job.show_edit(request, await _must_find(request))


async def save(request: Request) -> Response:
    """POST /queues/NAME/jobs/KEY/edit."""
    return await job.save(request, await _must_find(request))


async def _found(request: Request) -> Found | None:
    name, key = from_path(request.path_params["name"]), request.path_params["key"]
    record = await job_of(AsyncQueue(name, config=visit_of(request).config), key)
    return None if record is None else Found("queues", record, f"{path_of(name)}/jobs/{key}")


async def _must_find(request: Request) -> Found:
    found = await _found(request)
    if found is None:
        raise HTTPException(404)
    return found


PAGES = Pages(
    routes=[
        Route("/queues/{name}", shared(show)),
        Route("/queues/{name}/jobs/{key}", show_job),
        Route("/queues/{name}/jobs/{key}/raw", show_raw),
        Route("/queues/{name}/jobs/{key}/edit", show_edit),
        Route("/queues/{name}/jobs/{key}/edit", save, methods=["POST"]),
        *(Route(f"/queues/{{name}}{path}", act, methods=["POST"]) for path, act in ROUTES.items()),
    ]
)
