"""Queues: each with its size, latency and state, and who serves it."""

import asyncio
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncStats, QueueSummary
from teep.api.fleet import AsyncFleet
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.pages.fleet.serving import Served, held_by, services_of
from teep.web.registry import Pages, Tab
from teep.web.rendering import page_with, printable, visit_of
from teep.web.rendering.shared import shared

_SIZE = 50


class QueueRow(NamedTuple):
    """A queue in the list: its summary, who serves it, and the word for what holds it."""

    summary: QueueSummary
    served: Served
    held: str


async def queues(request: Request) -> Response:
    """GET /queues: all of them, the largest first; `q` is a part of their names."""
    return await page_with(request, "fleet/queues.html", _read(request))


async def _read(request: Request) -> dict[str, Any]:
    config, query = visit_of(request).config, request.query_params
    summaries, state = await asyncio.gather(
        AsyncStats(config=config).queue_summaries(), AsyncFleet(config=config).state()
    )
    wanted = query.get("q", "").strip()
    found = [one for one in summaries if wanted.casefold() in printable(one.name).casefold()]
    shown: Numbered[QueueSummary] = numbered(found, query, "page", _SIZE)
    services = services_of(state)
    return {
        "wanted": wanted,
        "none_at_all": not summaries,
        "shown": shown,
        "rows": [_row(one, services.get(one.name, Served())) for one in shown.items],
        "here": {name: query[name] for name in ("q", "page") if query.get(name)},
    }


def _row(summary: QueueSummary, served: Served) -> QueueRow:
    return QueueRow(summary, served, held_by(served, paused=summary.paused, waiting=summary.size))


PAGES = Pages(routes=(Route("/queues", shared(queues)),), tab=Tab("queues", "nav.queues", 20))
