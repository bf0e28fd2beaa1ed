"""Limits for programs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.api.limits import AsyncLimiterSet
from teep.web import urls
from teep.web.actions import must_may
from teep.web.json.answers import Refused, answer, field, read
from teep.web.json.endpoints import NUMBER, STRING, WHOLE, Endpoint, maybe, some, thing
from teep.web.pages import limits as pages
from teep.web.pages.limits import LimitRow, row_of
from teep.web.rendering import visit_of


async def show_all(request: Request) -> Response:
    """The limits that were used last, up to a thousand."""
    found = map(row_of, await AsyncLimiterSet(config=visit_of(request).config).recent())
    return answer({"limits": [_told(row) for row in found]})


async def show_one(request: Request) -> Response:
    """One limit."""
    limiter = await pages.must_find(visit_of(request), _name(request))
    return answer(_told(row_of(limiter)))


async def act(request: Request) -> Response:
    """One verb for one limit."""
    visit, body = visit_of(request), await read(request)
    verb = field(body, "action", str, "")
    if verb not in pages.VERBS:
        raise Refused(400, f"action must be {' or '.join(pages.VERBS)}, not {verb!r}")
    must_may(visit, "limit")
    number = 0
    if verb in ("pause", "set"):
        name, least, most = ("seconds", 1, pages.LONGEST) if verb == "pause" else ("limit", 0, 1_000_000_000)
        number = field(body, name, int, -1)
        if not least <= number <= most:
            raise Refused(400, f"{name} must be a whole number from {least} to {most}")
    limiter = await pages.must_find(visit, _name(request))
    await pages.carry_out(request, limiter, verb, number)
    return answer(_told(row_of(await pages.must_find(visit, limiter.name))))


def _name(request: Request) -> str:
    return urls.from_path(request.path_params["name"])


def _told(row: LimitRow) -> dict[str, Any]:
    times = {name: None if at is None else at.isoformat() for name, at in row._asdict().items() if name in _TIMES}
    return {**row._asdict(), **times, "key": urls.to_path(row.name)}


_TIMES = ("free_at", "paused_until")
_LIMIT = thing(
    name=STRING, key=STRING, kind=STRING, limit=WHOLE, declared=maybe(WHOLE), interval=maybe(NUMBER), used=WHOLE,
    waiting=WHOLE, free_at=maybe(STRING), paused_until=maybe(STRING), granted=WHOLE, over=WHOLE,
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/api/limits", show_all, "The limits used last, up to 1,000.", thing(limits=some(_LIMIT))),
    Endpoint("GET", "/api/limits/{name}", show_one, "One limit, by its name, or its `key`.", _LIMIT),
    Endpoint("POST", "/api/limits/{name}", act, "Pause a limit for seconds, set its limit, or reset it.", _LIMIT,
             takes={"type": "object", "required": ["action"], "properties": {
                 "action": {"type": "string", "enum": list(pages.VERBS)}, "seconds": WHOLE, "limit": WHOLE}}),
)  # fmt: skip
