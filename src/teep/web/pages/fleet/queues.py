"""Queues: each with its size, latency and state, and who serves it."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncStats, QueueSummary
from teep.api.fleet.fleet import AsyncFleet
from teep.api.timeline import AsyncTimeline
from teep.web.known.limited import Limited, Waiting
from teep.web.known.recorded import QueueTrails, Recorded
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.pages.fleet.serving import Served, held_by, services_of
from teep.web.registry import Pages, Tab
from teep.web.rendering import Site, page_with, printable, visit_of
from teep.web.rendering.shared import shared
from teep.web.trails import Trail, Trails

_SIZE = 50


class QueueRow(NamedTuple):
    """A queue in the list: its summary, who serves it, the word for what holds it, and how long it was lately."""

    summary: QueueSummary
    served: Served
    held: str
    trail: Trail


async def queues(request: Request) -> Response:
    """GET /queues: all of them, the largest first; `q` is a part of their names."""
    return await page_with(request, "fleet/queues.html", _read(request))


async def _read(request: Request) -> dict[str, Any]:
    visit, query = visit_of(request), request.query_params
    config = visit.config
    summaries, state, hour, waiting = await asyncio.gather(
        AsyncStats(config=config).queue_summaries(),
        AsyncFleet(config=config).state(),
        Recorded.of(visit.site).last(),
        Limited.of(visit.site).waiting(),
    )
    wanted = query.get("q", "").strip()
    found = [one for one in summaries if wanted.casefold() in printable(one.name).casefold()]
    shown: Numbered[QueueSummary] = numbered(found, query, "page", _SIZE)
    services = services_of(state)
    trails = trails_of(visit.site, summaries, hour)
    return {
        "wanted": wanted,
        "none_at_all": not summaries,
        "shown": shown,
        "rows": [
            _row(one, services.get(one.name, Served()), trails.trail(one.name), waiting.get(one.name, {}))
            for one in shown.items
        ],
        "here": {name: query[name] for name in ("q", "page") if query.get(name)},
    }


def trails_of(site: Site, summaries: Sequence[QueueSummary], hour: AsyncTimeline | None) -> Trails | QueueTrails:
    """Return how long the queues were in the last hour; without a history, as pages have noted it. Notes it."""
    sizes = {one.name: one.size for one in summaries}
    trails = Trails.of(site, "queues")
    trails.note(sizes)
    return trails if hour is None else QueueTrails(hour, sizes)


def _row(summary: QueueSummary, served: Served, trail: Trail, limits: Waiting) -> QueueRow:
    held = held_by(served, paused=summary.paused, waiting=summary.size)
    return QueueRow(summary, served, held or ("limits" if limits else ""), trail)


PAGES = Pages(routes=(Route("/queues", shared(queues)),), tab=Tab("queues", "nav.queues", 20))
