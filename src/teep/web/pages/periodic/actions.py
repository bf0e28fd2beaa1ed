"""What is done to periodic jobs: pause, resume, enqueue now; create, change and delete those of no code."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api.periodic import AsyncPeriodicEntry, AsyncPeriodicSet
from teep.errors import RedisError, TeepError, UnknownEntry
from teep.job import definition
from teep.web.actions import must_may, recorded, verb_of
from teep.web.guard.safety import read_form
from teep.web.pages.periodic.entries import must_find, path_of
from teep.web.pages.push import NotPushedError, known_jobs, read_json
from teep.web.rendering import page, printable, visit_of
from teep.web.urls import from_path

VERBS = {"pause": (), "unpause": (), "run": (), "delete": ("delete",)}
"""What can be done to an entry, and the verbs of an `Access` that it needs beside "periodic"."""

FIELDS = ("name", "schedule", "tz", "class", "args", "queue")
"""What a form asks for."""


class Asked(NamedTuple):
    """A job as a form asks for it: its class, its arguments, and its queue ("": that of its class)."""

    klass: str
    queue: str = ""

    def to_payload(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payload to push, with the options of the class if this process has it."""
        item: dict[str, Any]
        if (known := definition.known(self.klass)) is not None:
            item = known.to_payload(tuple(args), dict(kwargs))
        else:
            item = {"class": self.klass, "args": list(args)} | ({"kwargs": dict(kwargs)} if kwargs else {})
        return item | ({"queue": self.queue} if self.queue else {})


async def act(request: Request) -> Response:
    """POST /periodic/NAME: pause, unpause, run (enqueue it now), or delete."""
    visit, form = visit_of(request), await read_form(request)
    name = from_path(request.path_params["name"])
    verb = verb_of(form, VERBS)
    try:
        jid = await carry_out(request, name, verb)
    except UnknownEntry:
        return visit.redirect("periodic", flash=visit.flash("periodic.gone", name=printable(name)))
    done = {"pause": "paused", "unpause": "unpaused", "delete": "deleted"}.get(verb, verb)
    key = "push.stopped" if verb == "run" and jid is None else f"periodic.is_{done}"
    back = "periodic" if verb == "delete" or form.get("back") == ["periodic"] else path_of(name)
    return visit.redirect(back, flash=visit.flash(key, name=printable(name)))


async def carry_out(request: Request, name: str, verb: str) -> str | None:
    """Do one of `VERBS` to an entry, and record it; returns the jid if a job was enqueued.

    Raises:
        HTTPException: 403.
        UnknownEntry: there is none of this name.
    """
    visit = visit_of(request)
    for needed in ("periodic", *VERBS[verb]):
        must_may(visit, needed)
    entries = AsyncPeriodicSet(config=visit.config)
    jid = None
    if verb == "run":
        jid = await entries.enqueue_now(name)
    elif verb == "pause":
        await entries.pause(name)
    elif verb == "unpause":
        await entries.unpause(name)
    elif not await entries.delete(name):
        raise UnknownEntry(f"there is no periodic job {name!r}")
    recorded(request, verb, _logged(name), count=1, of="entries")
    return jid


async def show_form(request: Request) -> Response:
    """GET /periodic/-/new and /periodic/NAME/edit: the form."""
    entry = await _edited(request)
    given: dict[str, str] = dict.fromkeys(FIELDS, "")
    if entry is not None:
        zone = "" if entry.tz == "UTC" else entry.tz
        args = json.dumps(entry.args, ensure_ascii=False)
        values = (entry.name, entry.schedule, zone, entry.klass, args, entry.queue)
        given = dict(zip(FIELDS, values, strict=True))
    return await _form(request, entry, given)


async def save(request: Request) -> Response:
    """POST /periodic/-/new and /periodic/NAME/edit: keep what the form asks for, if it can be."""
    visit, form = visit_of(request), await read_form(request)
    entry = await _edited(request)
    given = {name: form.get(name, [""])[0].strip() for name in FIELDS}
    if entry is not None:
        given["name"] = entry.name
    try:
        saved = await put(request, given, read_json(given["args"] or "[]"), entry)
    except RedisError:
        raise
    except (ValueError, RecursionError, TeepError) as error:
        return await _form(request, entry, given, str(error))
    return visit.redirect(path_of(saved.name), flash=visit.flash("periodic.is_saved", name=printable(saved.name)))


async def put(
    request: Request, given: Mapping[str, str], args: Any, before: AsyncPeriodicEntry | None = None
) -> AsyncPeriodicEntry:
    """Create an entry, or put it in place of another, whose other options, history and pause stay; and record it.

    Raises:
        NotPushedError: it has no name or no class, its arguments are no array, or its name is taken.
        TeepError: no entry could be like that.
    """
    visit = visit_of(request)
    if not given["name"] or not given["class"]:
        raise NotPushedError(visit.words("push.no_class" if given["name"] else "periodic.no_name"))
    if not isinstance(args, list):
        raise NotPushedError(visit.words("job.no_array"))
    entries = AsyncPeriodicSet(config=visit.config)
    if before is None and await entries.get(given["name"]) is not None:
        raise NotPushedError(visit.words("periodic.taken", name=given["name"]))
    kept = {name: getattr(before, name) for name in _KEPT} if before is not None else {}
    made = await entries.create(
        given["name"], given["schedule"], Asked(given["class"], given["queue"]), *args, tz=given["tz"] or None, **kept
    )
    verb = "create" if before is None else "edit"
    recorded(request, verb, _logged(made.name), count=1, of="entries", filter=f"class:{printable(made.klass)}")
    return made


_KEPT: Collection[str] = ("kwargs", "catch_up", "grace", "overlap", "jitter", "description")


async def _edited(request: Request) -> AsyncPeriodicEntry | None:
    """Return the entry that a form is about, which the visitor may change; None if it is about a new one.

    Raises:
        HTTPException: 403; or 404, there is no such entry, or code declares it.
    """
    visit = visit_of(request)
    must_may(visit, "periodic")
    if "name" not in request.path_params:
        must_may(visit, "push")
        return None
    must_may(visit, "edit")
    if not visit.access.sees_arguments:  # the form shows them
        raise HTTPException(403, "verb")
    entry = await must_find(visit, from_path(request.path_params["name"]))
    if entry.source == "static":
        raise HTTPException(404)
    return entry


async def _form(
    request: Request, entry: AsyncPeriodicEntry | None, given: Mapping[str, str], problem: str = ""
) -> Response:
    return await page(
        request,
        "periodic/edit.html",
        status=400 if problem else 200,
        name="" if entry is None else entry.name,
        path="periodic/-/new" if entry is None else f"{path_of(entry.name)}/edit",
        given={name: printable(value) for name, value in given.items()},
        problem=printable(problem),
        known=list(known_jobs()),
    )


def _logged(name: str) -> str:
    return f"periodic/{name}" if name.isprintable() else f"periodic/{name!r}"
