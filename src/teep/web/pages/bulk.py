"""How far an action on many jobs is, and the button that stops it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.web import bulks
from teep.web.bulks import Bulk, Bulks
from teep.web.registry import Pages
from teep.web.rendering import page, visit_of


async def show(request: Request) -> Response:
    """GET /actions/ID: its progress."""
    return await page(request, "bulk.html", bulk=await _found(request))


async def cancel(request: Request) -> Response:
    """POST /actions/ID/cancel: it ends after the slice that it is in."""
    bulk = await _found(request)
    await bulks.cancel(request, bulk)
    return visit_of(request).redirect(f"actions/{bulk.id}")


async def _found(request: Request) -> Bulk:
    bulk = await Bulks.of(visit_of(request).site).find(request.path_params["id"])
    if bulk is None:
        raise HTTPException(404)
    return bulk


PAGES = (Pages(routes=(Route("/actions/{id}", show), Route("/actions/{id}/cancel", cancel, methods=["POST"]))),)
