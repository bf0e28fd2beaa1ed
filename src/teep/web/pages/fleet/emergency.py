"""The emergency box: what takes hold of all queues or all processes at once, confirmed by typing how many."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncQueue
from teep.api.fleet.fleet import AsyncFleet
from teep.config import Config
from teep.web import actions
from teep.web.actions import must_may
from teep.web.guard.safety import read_form
from teep.web.pages.fleet.sure import is_confirmed
from teep.web.registry import Pages
from teep.web.rendering import page, visit_of


class Hold(NamedTuple):
    """Something to do to all: its name, the verb of an `Access` that it needs, what of, and how it is done."""

    name: str
    needs: str
    of: str
    do: Callable[[AsyncFleet], Coroutine[Any, Any, int]]


HOLDS = {
    hold.name: hold
    for hold in (
        Hold("pause", "pause", "queues", lambda fleet: fleet.pause_queues()),
        Hold("resume", "pause", "queues", lambda fleet: fleet.unpause_queues()),
        Hold("quiet", "process", "processes", lambda fleet: fleet.quiet_all()),
    )
}


async def emergency(request: Request) -> Response:
    """GET /emergency: what there is to do, and to how many."""
    return await _page(request, wrong="")


async def act(request: Request) -> Response:
    """POST /emergency/VERB, with the count that was shown (`total`) and typed (`confirm`)."""
    visit, form = visit_of(request), await read_form(request)
    hold = HOLDS.get(request.path_params["verb"])
    if hold is None:
        raise HTTPException(404)
    must_may(visit, hold.needs)
    if not is_confirmed(form, typed=True):
        return await _page(request, wrong=hold.name)
    done = await hold.do(AsyncFleet(config=visit.config))
    actions.recorded(request, f"{hold.name} all", hold.of, count=done, of=hold.of)
    return visit.redirect("emergency", flash=visit.flash(f"emergency.done_{hold.name}", count=done))


async def _page(request: Request, *, wrong: str) -> Response:
    visit = visit_of(request)
    counts = await _counts(visit.config)
    allowed = [hold for hold in HOLDS.values() if visit.access.may(hold.needs)]
    return await page(request, "fleet/emergency.html", counts=counts, holds=allowed, wrong=wrong)


async def _counts(config: Config) -> dict[str, int]:
    """Return how many each would take."""
    queues = {queue.name for queue in await AsyncQueue.all(config=config)}
    state = await AsyncFleet(config=config).state()
    loud = [process for process in state.processes if not process.embedded and not process.stopping]
    return {"pause": len(queues - state.paused), "resume": len(state.paused), "quiet": len(loud)}


PAGES = Pages(
    routes=(Route("/emergency", emergency), Route("/emergency/{verb}", act, methods=["POST"])),
)
