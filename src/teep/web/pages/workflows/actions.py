"""What is done to a workflow: it is cancelled, or forgotten; a node of it, or all that did not succeed, run again."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.errors import InvalidValue
from teep.web.actions import must_may, recorded, verb_of
from teep.web.guard.safety import read_form
from teep.web.pages.workflows.one import must_find
from teep.web.rendering import printable, visit_of
from teep.web.urls import from_path

VERBS: Mapping[str, tuple[str, ...]] = {"cancel": (), "retry": (), "retry_rest": (), "delete": ("delete",)}
"""What can be done to a workflow, and the verbs of an `Access` that it needs beside "batch"."""


async def act(request: Request) -> Response:
    """POST /workflows/BID: cancel, retry (a node, named as in a path), retry_rest, or delete (forget) it."""
    visit, form = visit_of(request), await read_form(request)
    bid = request.path_params["bid"]
    verb = verb_of(form, VERBS)
    name = from_path(form[verb][0]) if verb == "retry" else ""
    done = await carry_out(request, bid, verb, name)
    flash = visit.flash(f"workflows.is_{verb}", count=done, name=printable(name))
    return visit.redirect("workflows" if verb == "delete" else path_of(bid), flash=flash)


async def carry_out(request: Request, bid: str, verb: str, name: str = "") -> int:
    """Do one of `VERBS` to a workflow, or to its node of a name, and record it; returns on how many nodes.

    Raises:
        HTTPException: 403; or 404, there is no such workflow or node.
    """
    visit = visit_of(request)
    for needed in ("batch", *VERBS[verb]):
        must_may(visit, needed)
    status = await must_find(visit.config, bid)
    done = 1
    try:
        if verb == "retry":
            done = int(await status.retry(name))
        elif verb == "retry_rest":
            done = await status.retry_rest()
        elif verb == "cancel":
            await status.cancel()
        else:
            await status.delete()
    except InvalidValue:  # it has no such node
        raise HTTPException(404) from None
    of = "nodes" if verb in ("retry", "retry_rest") else "workflows"
    recorded(request, verb, path_of(bid), count=done, of=of, filter=printable(name))
    return done


def path_of(bid: str) -> str:
    """Return the path of a workflow's page."""
    return f"workflows/{bid}"
