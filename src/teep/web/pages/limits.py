"""Limits: how much of each is used and who waits; paused, changed and reset here."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api.limits import AsyncLimiter, AsyncLimiterSet
from teep.web import actions
from teep.web.actions import must_may, recorded
from teep.web.guard.safety import Form, read_form
from teep.web.known.presence import used
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.registry import Pages, Tab
from teep.web.rendering import Visit, page, page_with, printable, visit_of
from teep.web.rendering.shared import shared
from teep.web.urls import from_path, to_path

VERBS = ("pause", "resume", "set", "unset", "reset")
LONGEST = 86_400
"""Seconds of a pause at most."""

_SIZE = 50
_MOST = 1_000_000_000


class LimitRow(NamedTuple):
    """What is shown of a limit. `declared` is the limit in code if another one holds, `free_at` None if it is now.

    `interval` is the seconds for which the limit is meant; points have none.
    """

    name: str
    kind: str
    limit: int
    declared: int | None
    interval: float | None
    used: int
    waiting: int
    free_at: datetime | None
    paused_until: datetime | None
    granted: int
    over: int


def row_of(limiter: AsyncLimiter) -> LimitRow:
    """Return what is shown of a limiter, as it was read."""
    usage = limiter.read
    return LimitRow(
        name=limiter.name,
        kind=limiter.kind,
        limit=usage.limit,
        declared=None if usage.declared == usage.limit else usage.declared,
        interval=None if limiter.kind == "points" else limiter.interval,
        used=usage.used,
        waiting=usage.waiting,
        free_at=None if usage.free_at is None or usage.free_at <= datetime.now(UTC) else usage.free_at,
        paused_until=usage.paused_until,
        granted=usage.granted,
        over=usage.over,
    )


async def show_all(request: Request) -> Response:
    """GET /limits: the thousand that were used last, the most waited for first; `q` is a part of their names."""
    return await page_with(request, "limits/limits.html", _read(request))


async def _read(request: Request) -> dict[str, Any]:
    visit, query = visit_of(request), request.query_params
    limiters = AsyncLimiterSet(config=visit.config)
    rows = sorted(map(row_of, await limiters.recent()), key=lambda row: (-row.waiting, row.name))
    wanted = query.get("q", "").strip()
    if wanted and wanted not in {row.name for row in rows} and (exact := await limiters.get(wanted)) is not None:
        rows.append(row_of(exact))
    found = [row for row in rows if wanted.casefold() in printable(row.name).casefold()]
    shown: Numbered[LimitRow] = numbered(found, query, "page", _SIZE)
    return {
        "wanted": wanted,
        "none_at_all": not rows,
        "shown": shown,
        "rows": shown.items,
        "here": {name: query[name] for name in ("q", "page") if query.get(name)},
    }


async def show_one(request: Request) -> Response:
    """GET /limits/NAME: one of them, and what can be done to it."""
    visit = visit_of(request)
    limiter = await must_find(visit, from_path(request.path_params["name"]))
    return await page(request, "limits/limit.html", row=row_of(limiter), path=path_of(limiter.name))


async def act(request: Request) -> Response:
    """POST /limits/NAME: pause it for `seconds`, resume it, set its `limit` or that of the code, or reset it."""
    visit, form = visit_of(request), await read_form(request)
    name = from_path(request.path_params["name"])
    verb = actions.verb_of(form, VERBS)
    must_may(visit, "limit")
    limiter = await must_find(visit, name)
    number = _number(form, verb)
    if number is None:
        return visit.redirect(path_of(name), flash=visit.flash("limits.no_number"))
    await carry_out(request, limiter, verb, number)
    done = {"pause": "paused", "resume": "resumed"}.get(verb, verb)
    return visit.redirect(path_of(name), flash=visit.flash(f"limits.is_{done}", name=printable(name), n=number))


async def carry_out(request: Request, limiter: AsyncLimiter, verb: str, number: int = 0) -> None:
    """Do one of the verbs to a limit, and record it; `number` is the seconds of a pause, or the new limit."""
    if verb == "pause":
        await limiter.pause(number)
    elif verb == "resume":
        await limiter.resume()
    elif verb == "reset":
        await limiter.reset()
    else:
        await limiter.set_limit(number if verb == "set" else None)
    told = f"limits/{limiter.name}" if limiter.name.isprintable() else f"limits/{limiter.name!r}"
    recorded(request, verb, told, count=1, of="limits", filter=str(number) if verb in ("pause", "set") else "")


async def must_find(visit: Visit, name: str) -> AsyncLimiter:
    """Return a limiter.

    Raises:
        HTTPException: 404, there is none of this name.
    """
    limiter = await AsyncLimiterSet(config=visit.config).get(name)
    if limiter is None:
        raise HTTPException(404)
    return limiter


def path_of(name: str) -> str:
    """Return the path of a limit's page."""
    return f"limits/{to_path(name)}"


def _number(form: Form, verb: str) -> int | None:
    """Return the number that a verb needs, 0 if it needs none; None if the form has none that fits."""
    if verb not in ("pause", "set"):
        return 0
    number = actions.number(form, "seconds" if verb == "pause" else "limit")
    least, most = (1, LONGEST) if verb == "pause" else (0, _MOST)
    return number if number is not None and least <= number <= most else None


PAGES = (
    Pages(
        routes=(
            Route("/limits", shared(show_all)),
            Route("/limits/{name}", shared(show_one)),
            Route("/limits/{name}", act, methods=["POST"]),
        ),
        tab=Tab("limits", "nav.limits", 76, used("limits", lambda config: AsyncLimiterSet(config=config).size())),
    ),
)
