"""One job by its jid, wherever it is; and the search for it."""

import asyncio
from collections.abc import Sequence
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncSortedEntry, async_find_job
from teep.api.jobs.selection import words
from teep.client import AsyncClient
from teep.config import Config
from teep.errors import MalformedPayload
from teep.web import urls
from teep.web.actions import DELETE, KILL, Action, must_may, of_jids, recorded, verb_of
from teep.web.guard.safety import read_form
from teep.web.job import pages
from teep.web.job.view import Found, Where
from teep.web.lists import key_of
from teep.web.pages.jobsets import DEAD, RETRIES, SCHEDULED, JobSetPage
from teep.web.registry import Pages
from teep.web.rendering import Visit, page, visit_of

SECONDS = 5.0
"""How long a job is looked for: the last places are sets that may be long."""

# The data API's words for places, as the page has them.
_PLACES: dict[str, Where] = {
    "working": "busy",
    "queued": "queues",
    "scheduled": "scheduled",
    "retrying": "retries",
    "dead": "dead",
}
_SETS: dict[Where, JobSetPage] = {of.name: of for of in (RETRIES, SCHEDULED, DEAD)}
_LONGEST = 200

CANCEL = pages.Verb("cancel_job", "kill")
# What a form may ask for, and the verb of an `Access` that it needs.
_VERBS = {
    "retry": "retry",
    "add_to_queue": "retry",
    "kill": "kill",
    "delete": "delete",
    CANCEL.name: CANCEL.needs,
    "free_lock": "edit",
}


async def show(request: Request) -> Response:
    """GET /jobs/JID: all about it, or that it is nowhere, and why that may be."""
    visit, jid = visit_of(request), _jid(request)
    try:
        found = await _find(visit.config, jid)
    except TimeoutError:
        return await _nowhere(request, jid, is_over=False, status=404)
    if found is None:
        return await _nowhere(request, jid, status=404)
    return await pages.show(request, found, _actions(visit, found))


async def show_raw(request: Request) -> Response:
    """GET /jobs/JID/raw: its bytes."""
    return await pages.show_raw(request, await _must_find(request))


async def show_edit(request: Request) -> Response:
    """GET /jobs/JID/edit: its arguments, to change them."""
    return await pages.show_edit(request, await _must_find(request))


async def save(request: Request) -> Response:
    """POST /jobs/JID/edit."""
    return await pages.save(request, await _must_find(request))


async def act(request: Request) -> Response:
    """POST /jobs/JID: one verb, such as `retry`, for where it is now."""
    visit, form, jid = visit_of(request), await read_form(request), _jid(request)
    verb = verb_of(form, _VERBS)
    must_may(visit, _VERBS[verb])
    found = await _found(visit.config, jid)
    done = found is not None and await _carried_out(visit, found, verb)
    recorded(request, verb, "jobs" if found is None else found.where, count=int(done), filter=of_jids([jid]))
    flash = visit.flash(f"done.{verb}", count=1) if done else visit.flash("job.not_there")
    return visit.redirect(f"jobs/{urls.to_path(jid)}", flash=flash)


async def search(request: Request) -> Response:
    """GET /search?q=JID: the job's page, or where was looked, and how to look on."""
    visit, text = visit_of(request), request.query_params.get("q", "").strip()
    if not 1 <= len(text) <= _LONGEST:
        return await _nowhere(request, "")
    try:
        found = await _find(visit.config, text)
    except TimeoutError:
        return await _nowhere(request, text, is_over=False)
    if found is None:
        return await _nowhere(request, text)
    if isinstance(found.record, AsyncSortedEntry):  # found there at once, where a jid is looked for once more
        return visit.redirect(f"{found.where}/{key_of(found.record)}")
    return visit.redirect(found.path)


async def _nowhere(request: Request, text: str, *, is_over: bool = True, status: int = 200) -> Response:
    word = words.written("jid", text)
    return await page(request, "search.html", status=status, text=text, is_over=is_over, word=word)


async def _must_find(request: Request) -> Found:
    found = await _found(visit_of(request).config, _jid(request))
    if found is None:
        raise HTTPException(404)
    return found


async def _found(config: Config, jid: str) -> Found | None:
    """Find a job; None if it is nowhere, or if that is not known in time."""
    try:
        return await _find(config, jid)
    except TimeoutError:
        return None


async def _find(config: Config, jid: str) -> Found | None:
    """Find a job.

    Raises:
        TimeoutError: it took too long.
    """
    located = await asyncio.wait_for(async_find_job(jid, config=config), SECONDS)
    if located is None:
        return None
    return Found(_PLACES[located.where], located.record, f"jobs/{urls.to_path(jid)}")


def _actions(visit: Visit, found: Found) -> Sequence[Action | pages.Verb]:
    """Return what this visitor may do to a job where it is."""
    if found.where in _SETS:
        return _SETS[found.where].allowed(visit)
    there: tuple[Action | pages.Verb, ...] = (CANCEL,) if found.where == "busy" else (KILL, DELETE)
    return [action for action in there if visit.access.may(action.needs)]


async def _carried_out(visit: Visit, found: Found, verb: str) -> bool:
    record = found.record
    if verb == "free_lock":
        return await record.free_lock()
    if isinstance(record, AsyncSortedEntry):
        return await _in_set(record, found.where, verb)
    if found.where == "busy":
        return verb == CANCEL.name and await AsyncClient(visit.config).cancel(record.jid) is not None
    if verb == "delete":
        return await record.delete()
    return verb == "kill" and await record.kill()


async def _in_set(entry: AsyncSortedEntry, where: Where, verb: str) -> bool:
    action = next((action for action in _SETS[where].actions if action.name == verb), None)
    try:
        return action is not None and await action.one(entry)
    except MalformedPayload:
        return False


def _jid(request: Request) -> str:
    return urls.from_path(cast("str", request.path_params["jid"]))


PAGES = (
    Pages(
        routes=(
            Route("/search", search),
            Route("/jobs/{jid}", show),
            Route("/jobs/{jid}", act, methods=["POST"]),
            Route("/jobs/{jid}/raw", show_raw),
            Route("/jobs/{jid}/edit", show_edit),
            Route("/jobs/{jid}/edit", save, methods=["POST"]),
        )
    ),
)
