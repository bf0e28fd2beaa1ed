"""Periodic jobs for programs."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.api.periodic import AsyncPeriodicEntry, AsyncPeriodicSet, PeriodicRun
from teep.errors import RedisError, TeepError
from teep.web import urls
from teep.web.actions import must_may
from teep.web.guard.access import Access
from teep.web.json.answers import Refused, answer, field, read, stamp
from teep.web.json.endpoints import ANY, BOOLEAN, STRING, Endpoint, maybe, some, thing
from teep.web.pages.periodic.actions import FIELDS, VERBS, carry_out, put
from teep.web.pages.periodic.entries import must_find, row_of
from teep.web.rendering import visit_of


async def show_all(request: Request) -> Response:
    """Every periodic job."""
    visit = visit_of(request)
    found = [_told(entry, visit.access) async for entry in AsyncPeriodicSet(config=visit.config)]
    return answer({"periodic": found})


async def show_one(request: Request) -> Response:
    """One periodic job, with its last runs."""
    visit = visit_of(request)
    entry = await must_find(visit, _name(request))
    return answer({**_told(entry, visit.access), "history": _runs(await entry.history())})


async def create(request: Request) -> Response:
    """A new periodic job, which no code declares."""
    visit, body = visit_of(request), await read(request)
    for verb in ("periodic", "push"):
        must_may(visit, verb)
    given = {name: field(body, name, str, "") for name in FIELDS if name != "args"}
    try:
        made = await put(request, given, field(body, "args", list, []))
    except RedisError:
        raise
    except TeepError as error:
        raise Refused(400, str(error)) from error
    return answer(_told(made, visit.access))


async def act(request: Request) -> Response:
    """One verb for one periodic job."""
    visit, body = visit_of(request), await read(request)
    verb = field(body, "action", str, "")
    if verb not in VERBS:
        raise Refused(400, f"action must be {' or '.join(VERBS)}, not {verb!r}")
    must_may(visit, "periodic")
    entry = await must_find(visit, _name(request))
    return answer({"jid": await carry_out(request, entry.name, verb)})


def _name(request: Request) -> str:
    return urls.from_path(request.path_params["name"])


def _told(entry: AsyncPeriodicEntry, access: Access) -> dict[str, Any]:
    row = row_of(entry, access)
    return {
        "name": row.name, "key": urls.to_path(row.name), "schedule": row.schedule, "tz": entry.tz, "words": row.words,
        "class": row.klass, "arguments": row.arguments, "queue": entry.queue, "source": row.source,
        "paused": row.is_paused, "last_at": stamp(row.last_at), "next_runs": [at.isoformat() for at in row.upcoming],
    }  # fmt: skip


def _runs(runs: Sequence[PeriodicRun]) -> list[dict[str, Any]]:
    times = ("tick", "queued_at", "ended_at")
    return [{**run._asdict(), **{name: stamp(getattr(run, name)) for name in times}} for run in runs]


_FIELDS = {
    "name": STRING, "key": STRING, "schedule": STRING, "tz": STRING, "words": STRING, "class": STRING,
    "arguments": maybe(STRING), "queue": STRING, "source": STRING, "paused": BOOLEAN, "last_at": maybe(STRING),
    "next_runs": some(STRING),
}  # fmt: skip
_ENTRY = thing(**_FIELDS)
_RUN = thing(
    jid=STRING, tick=maybe(STRING), queued_at=STRING, state=STRING, ended_at=maybe(STRING),
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/api/periodic", show_all, "Every periodic job.", thing(periodic=some(_ENTRY))),
    Endpoint("POST", "/api/periodic", create, "Create a periodic job that no code declares.", _ENTRY,
             takes={"type": "object", "required": ["name", "schedule", "class"], "properties": {
                 "name": STRING, "schedule": STRING, "class": STRING, "args": some(ANY), "queue": STRING,
                 "tz": STRING}}),
    Endpoint("GET", "/api/periodic/{name}", show_one, "One periodic job by its name or `key`, with its last runs.",
             thing(**_FIELDS, history=some(_RUN))),
    Endpoint("POST", "/api/periodic/{name}", act, "Pause a periodic job, resume it, run it now, or delete it.",
             thing(jid=maybe(STRING)), takes=thing(action={"type": "string", "enum": list(VERBS)})),
)  # fmt: skip
