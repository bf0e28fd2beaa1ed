"""Profiles of single runs, for the Firefox Profiler."""

import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncProfileSet
from teep.web import urls
from teep.web.registry import Pages, Tab
from teep.web.rendering import page_with, visit_of

MOST_SHOWN = 200

_NO_WORD = re.compile(r"[^A-Za-z0-9_.\-]+")


async def show(request: Request) -> Response:
    """GET /profiles: those of the last day, newest first."""
    visit = visit_of(request)

    async def reading() -> dict[str, Any]:
        found = [profile async for profile in AsyncProfileSet(config=visit.config)]
        return {"profiles": found[:MOST_SHOWN], "more": max(len(found) - MOST_SHOWN, 0)}

    return await page_with(request, "profiles.html", reading())


async def one(request: Request) -> Response:
    """GET /profiles/KEY, which Sidekiq sends to a viewer elsewhere: the data."""
    return visit_of(request).redirect(f"profiles/{request.path_params['key']}/data")


async def data(request: Request) -> Response:
    """GET /profiles/KEY/data: gzipped JSON, as the job left it."""
    key = urls.from_path(request.path_params["key"])
    profile = await AsyncProfileSet(config=visit_of(request).config).get(key)
    found = None if profile is None else await profile.data()
    if profile is None or found is None:
        raise HTTPException(404)
    name = "-".join(_NO_WORD.sub("_", part)[:80] for part in (profile.type, profile.jid))
    # Whatever lies there is a file to a browser, and no page.
    headers = {"Content-Disposition": f'attachment; filename="{name}.json.gz"'}
    return Response(found, media_type="application/gzip", headers=headers)


PAGES = (
    Pages(
        routes=(Route("/profiles", show), Route("/profiles/{key}", one), Route("/profiles/{key}/data", data)),
        tab=Tab("profiles", "nav.profiles", 80),
    ),
)
