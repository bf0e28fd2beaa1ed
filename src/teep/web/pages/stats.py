"""Sidekiq's numbers as JSON, for monitors that know its page, and addresses of its pages that are elsewhere here."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from teep.api import AsyncStats
from teep.api.facts import AsyncServer, ServerFacts
from teep.config import Config
from teep.errors import RedisDenied
from teep.web.guard.safety import read_form
from teep.web.registry import Pages
from teep.web.rendering import visit_of

_DAY = 86_400
# Where the filters of Sidekiq 7 were asked, and where their lists are.
_FILTERED = {"retries": "retries", "scheduled": "scheduled", "dead": "dead", "morgue": "dead", "metrics": "metrics"}


async def stats(request: Request) -> Response:
    """GET /stats: the counters and sizes, and which server it is."""
    config = visit_of(request).config
    counts, facts = await asyncio.gather(AsyncStats(config=config).fetch_stats(), _facts(config))
    return JSONResponse(
        {
            "sidekiq": {
                "processed": counts["processed"],
                "failed": counts["failed"],
                "busy": counts["workers_size"],
                "processes": counts["processes_size"],
                "enqueued": counts["enqueued"],
                "scheduled": counts["scheduled_size"],
                "retries": counts["retry_size"],
                "dead": counts["dead_size"],
                "default_latency": counts["default_queue_latency"],
            },
            "redis": {} if facts is None else _redis(facts),
            "server_utc_time": f"{datetime.now(UTC):%H:%M:%S} UTC",
        }
    )


async def queues(request: Request) -> Response:
    """GET /stats/queues: the size of each queue."""
    rows = await AsyncStats(config=visit_of(request).config).queue_summaries()
    return JSONResponse({row.name.encode(errors="replace").decode(): row.size for row in rows})


async def moved(request: Request) -> Response:
    """GET /dashboard/stats, which Sidekiq answers in this way, too."""
    return visit_of(request).redirect("stats")


async def filtered(request: Request) -> Response:
    """GET or POST /filter/retries, where Sidekiq 7 has its filters."""
    visit, name = visit_of(request), request.path_params["name"]
    if name not in _FILTERED:
        raise HTTPException(404)
    form = await read_form(request) if request.method == "POST" else {}
    text = form.get("substr", [request.query_params.get("substr", "")])[0]
    word = "substr" if name == "metrics" else "q"
    return visit.redirect(_FILTERED[name], **{word: text or None})


async def _facts(config: Config) -> ServerFacts | None:
    try:
        return await AsyncServer(config=config).facts()
    except RedisDenied:
        return None


def _redis(facts: ServerFacts) -> dict[str, Any]:
    """Return what a server says of itself under Sidekiq's names, as strings."""
    return {
        "redis_version": facts.version,
        "uptime_in_days": str(facts.uptime // _DAY),
        "connected_clients": str(facts.connections),
        "used_memory_human": _human(facts.memory),
        "used_memory_peak_human": _human(facts.peak),
        "store_name": facts.name,
        "store_version": facts.version,
    }


def _human(size: float) -> str:
    """Return a number of bytes as Redis writes it."""
    if size < 1024:
        return f"{size:.0f}B"
    for unit in "KMG":
        size /= 1024
        if size < 1024:
            return f"{size:.2f}{unit}"
    return f"{size / 1024:.2f}T"


PAGES = (
    Pages(
        routes=(
            Route("/stats", stats),
            Route("/stats/queues", queues),
            Route("/dashboard/stats", moved),
            Route("/filter/{name}", filtered, methods=["GET", "POST"]),
        )
    ),
)
