"""The pages of one job: the job, its bytes, and its arguments to change."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api import AsyncSortedEntry
from teep.api.display import ENCRYPTED
from teep.errors import InvalidArguments, InvalidJob, MalformedPayload, TeepError
from teep.web import urls
from teep.web.actions import ENQUEUE, RETRY, Action, must_may, of_jids, recorded
from teep.web.guard.safety import Form, read_form
from teep.web.job import tree
from teep.web.job.view import Found, may_edit, view_of
from teep.web.rendering import Visit, page, page_with, printable, visit_of

MOST_COPIED = 2_000
"""Characters of arguments that a link holds."""


class Verb(NamedTuple):
    """What can be done to a job alone. `needs` is the verb of an `Access`."""

    name: str
    needs: str
    is_dangerous: bool = True


class _NotTakenError(TeepError):
    """What was sent cannot be the arguments; the form says why."""


async def show(
    request: Request, found: Found, actions: Sequence[Action | Verb], template: str = "job/job.html", **context: Any
) -> Response:
    """Answer with everything about a job, and what this visitor may do to it; `template` extends "job/job.html"."""
    visit = visit_of(request)

    async def reading() -> dict[str, Any]:
        return {"job": await view_of(visit, found)}

    return await page_with(
        request,
        template,
        reading(),
        actions=actions,
        may_edit=_may_edit(visit, found),
        copy=_copy(visit, found),
        **context,
    )


async def show_raw(request: Request, found: Found) -> Response:
    """Answer with the payload as it lies in Redis, for those who may see arguments."""
    if not visit_of(request).access.sees_arguments:
        raise HTTPException(403, "verb")
    return await page(request, "job/raw.html", found=found, raw=printable(found.record.value))


async def show_edit(request: Request, found: Found, text: str | None = None, problem: str = "") -> Response:
    """Answer with a job's arguments to change; `problem` tells why what was sent was not taken."""
    visit = visit_of(request)
    if not _may_edit(visit, found):
        raise HTTPException(403, "verb")
    return await page(
        request,
        "job/edit.html",
        status=400 if problem else 200,
        found=found,
        text=printable(_editable(found)) if text is None else printable(text),
        problem=printable(problem),
        then=_follow_up(visit, found),
    )


async def save(request: Request, found: Found) -> Response:
    """Change a job's arguments, and send it to its queue if that is asked for."""
    visit, form = visit_of(request), await read_form(request)
    if not _may_edit(visit, found):
        raise HTTPException(403, "verb")
    then = _follow_up(visit, found) if "then" in form else None
    if "then" in form and then is None:
        must_may(visit, "retry")
        raise HTTPException(400)
    text = form.get("args", [""])[0].replace("\r\n", "\n")
    try:
        flash = await _saved(visit, found, form, text)
    except (_NotTakenError, InvalidArguments, InvalidJob, MalformedPayload) as error:
        return await show_edit(request, found, text, str(error))
    which = of_jids([found.record.jid])
    recorded(request, "edit", found.where, count=int(flash == "job.saved"), filter=which)
    if then is not None and isinstance(found.record, AsyncSortedEntry):
        done = await then.one(found.record)
        recorded(request, then.name, found.where, count=int(done), filter=which)
        flash = "job.saved_and_sent" if done else "sets.gone"
    return visit.redirect(_home(found), flash=visit.flash(flash))


async def _saved(visit: Visit, found: Found, form: Form, text: str) -> str:
    """Change the arguments if they are others; returns the key of the words that say so.

    Raises:
        _NotTakenError: it is no JSON array, or the job is not the one any more that was shown.
        InvalidArguments, InvalidJob, MalformedPayload: no job could have them.
    """
    record = found.record
    if form.get("digest", [""])[0] != record.digest:
        raise _NotTakenError(visit.words("job.changed"))
    if text == printable(_editable(found)):
        return "job.unchanged"
    try:
        args = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _NotTakenError(str(error)) from error
    if not isinstance(args, list):
        raise _NotTakenError(visit.words("job.no_array"))
    if record["encrypt"] and args[-1:] == [ENCRYPTED]:
        args[-1] = record.args[-1]
    return "job.saved" if await record.update(args=args) else "sets.gone"


def _editable(found: Found) -> str:
    """Return the arguments as they are edited: as the payload has them, but for one that is encrypted."""
    args = tree.fields(found.record.raw).get("args")
    if found.record["encrypt"] and args:
        args = [*args[:-1], ENCRYPTED]
    return tree.written(args, 0)


def _may_edit(visit: Visit, found: Found) -> bool:
    return found.where != "busy" and may_edit(visit.access, found.record)


def _copy(visit: Visit, found: Found) -> dict[str, str] | None:
    """Return what fills the form that pushes a job like this one; None if it cannot be told in a link."""
    record = found.record
    if not visit.access.may("push") or not visit.access.sees_arguments or not record.is_job or record["encrypt"]:
        return None
    args = json.dumps(record.args, ensure_ascii=False)
    if record["kwargs"] or len(args) > MOST_COPIED:
        return None
    return {"class": printable(record.klass), "args": printable(args), "queue": printable(record.queue)}


def _follow_up(visit: Visit, found: Found) -> Action | None:
    """Return what can be done along with a change: the job is sent to its queue, if it is in none."""
    action = {"retries": RETRY, "dead": RETRY, "scheduled": ENQUEUE}.get(found.where)
    return action if action is not None and visit.access.may(action.needs) else None


def _home(found: Found) -> str:
    """Return the path of a job that was changed, whose entry may have another name now."""
    jid = found.record.jid
    return f"jobs/{urls.to_path(jid)}" if jid else found.where


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
