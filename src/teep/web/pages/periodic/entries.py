"""What is shown of periodic jobs: all of them, and one with its next and its last runs."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api import AsyncJobRecord, AsyncProcessSet
from teep.api.periodic import AsyncPeriodicEntry, AsyncPeriodicSet, PeriodicRun
from teep.errors import InvalidSchedule
from teep.web.guard.access import Access
from teep.web.lists import arguments_of
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.rendering import Visit, page_with, printable, visit_of
from teep.web.urls import from_path, to_path
from teep.wire import json

_SIZE = 50
_UPCOMING = 5
# How outcomes are shown, if not as a plain state.
_KINDS = {"done": "good", "dead": "bad", "discarded": "bad", "missed": "bad", "overlap": "warn", "unique": "warn"}
_STATES = (
    "queued", "done", "dead", "discarded", "expired", "cancelled", "deleted",
    "overlap", "unique", "stopped", "missed",
)  # fmt: skip


class EntryRow(NamedTuple):
    """What is shown of a periodic job. `words` are English; a schedule that cannot be read here has none."""

    name: str
    schedule: str
    words: str
    zone: str
    klass: str
    arguments: str | None
    source: str
    is_paused: bool
    last_at: datetime | None
    upcoming: Sequence[datetime]
    latest: "RunRow | None" = None


class RunRow(NamedTuple):
    """A run of a periodic job: the key of its outcome's word, and how that is shown."""

    jid: str
    tick: datetime | None
    queued_at: datetime
    state: str
    kind: str


def row_of(entry: AsyncPeriodicEntry, access: Access, runs: Sequence[PeriodicRun] = ()) -> EntryRow:
    """Return what a visitor may see of an entry."""
    try:
        words, last_at, upcoming = entry.explain(), entry.last_at, entry.next_runs(_UPCOMING)
    except InvalidSchedule:  # its zone is unknown on this machine, or a later version has written it
        words, last_at, upcoming = "", None, []
    return EntryRow(
        name=entry.name,
        schedule=printable(entry.schedule),
        words=printable(words),
        zone="" if entry.tz == "UTC" else printable(entry.tz),
        klass=printable(entry.klass),
        arguments=_arguments(entry, access),
        source=entry.source,
        is_paused=entry.paused,
        last_at=last_at,
        upcoming=upcoming,
        latest=run_row(runs[0]) if runs else None,
    )


def run_row(run: PeriodicRun) -> RunRow:
    """Return what is shown of a run."""
    state = run.state if run.state in _STATES else "queued"
    return RunRow(run.jid, run.tick, run.queued_at, state, _KINDS.get(state, "plain"))


def _arguments(entry: AsyncPeriodicEntry, access: Access) -> str | None:
    item = {"class": entry.klass, "args": entry.args, "queue": entry.queue}
    record = AsyncJobRecord(json.dumps(item | ({"kwargs": entry.kwargs} if entry.kwargs else {})), entry.queue)
    return arguments_of(access, record)


async def show_all(request: Request) -> Response:
    """GET /periodic: all of them by name; `q` is a part of their names or classes."""
    return await page_with(request, "periodic/entries.html", _read(request))


async def _read(request: Request) -> dict[str, Any]:
    visit, query = visit_of(request), request.query_params
    entries, leader = await asyncio.gather(_all(visit), AsyncProcessSet(config=visit.config).leader())
    wanted = query.get("q", "").strip()
    found = [entry for entry in entries if _matches(entry, wanted.casefold())]
    shown: Numbered[AsyncPeriodicEntry] = numbered(found, query, "page", _SIZE)
    names = [entry.name for entry in shown.items]
    runs = await AsyncPeriodicSet(config=visit.config).histories(names) if names else {}
    return {
        "leader": leader,
        "wanted": wanted,
        "none_at_all": not entries,
        "shown": shown,
        "rows": [row_of(entry, visit.access, runs[entry.name]) for entry in shown.items],
        "may_create": visit.access.may("periodic") and visit.access.may("push"),
        "here": {name: query[name] for name in ("q", "page") if query.get(name)},
    }


async def _all(visit: Visit) -> list[AsyncPeriodicEntry]:
    return [entry async for entry in AsyncPeriodicSet(config=visit.config)]


def _matches(entry: AsyncPeriodicEntry, wanted: str) -> bool:
    return any(wanted in printable(text).casefold() for text in (entry.name, entry.klass))


async def show_one(request: Request) -> Response:
    """GET /periodic/NAME: one of them, its next five runs and its last twenty-five."""
    visit, name = visit_of(request), from_path(request.path_params["name"])
    entry = await must_find(visit, name)

    async def reading() -> dict[str, Any]:
        runs, leader = await asyncio.gather(entry.history(), AsyncProcessSet(config=visit.config).leader())
        return {"runs": [run_row(run) for run in runs], "leader": leader}

    row = row_of(entry, visit.access)
    upcoming = [(at, f"{at:%Y-%m-%d %H:%M:%S %Z}", f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}") for at in row.upcoming]
    return await page_with(
        request, "periodic/entry.html", reading(), entry=entry, row=row, path=path_of(name), upcoming=upcoming
    )


async def must_find(visit: Visit, name: str) -> AsyncPeriodicEntry:
    """Return an entry.

    Raises:
        HTTPException: 404, there is none of this name.
    """
    entry = await AsyncPeriodicSet(config=visit.config).get(name)
    if entry is None:
        raise HTTPException(404)
    return entry


def path_of(name: str) -> str:
    """Return the path of an entry's page."""
    return f"periodic/{to_path(name)}"
