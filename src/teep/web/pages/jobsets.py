"""Scheduled, Retries and Dead: find jobs, and act on one, on those that are ticked, or on all that match.

Routes and forms are Sidekiq's: `POST /retries` with `key` and the name of a verb, `/retries/all/retry`,
`/retries/KEY`; the dead are also at `/morgue`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncDeadSet, AsyncJobSet, AsyncRetrySet, AsyncScheduledSet, AsyncSetSelection, AsyncSortedEntry
from teep.api.jobs.selection import words
from teep.api.jobs.selection.bounds import TYPED
from teep.config import Config
from teep.errors import MalformedPayload
from teep.web import actions, bulks
from teep.web.actions import DELETE, ENQUEUE, KILL, RETRY, Action, done_in_words, must_may
from teep.web.bulks import Bulk
from teep.web.guard.safety import Form, read_form
from teep.web.job import pages as job
from teep.web.job.view import Found
from teep.web.lists import SIZES, entry_of, read_listing
from teep.web.registry import Pages, Tab
from teep.web.rendering import Visit, page, page_with, visit_of
from teep.web.rendering.shared import shared

MOST_KEYS = SIZES[-1] * 10
"""Keys of one request."""


@dataclass(frozen=True)
class JobSetPage:
    """One of the three: its path, its set, and what can be done to its jobs."""

    name: Literal["retries", "scheduled", "dead"]
    made: Callable[..., AsyncJobSet]
    actions: Sequence[Action]
    order: int
    aliases: Sequence[str] = ()
    unshown: Sequence[Action] = ()
    """What Sidekiq's page also takes for one job, and has no button for."""

    def jobset(self, config: Config) -> AsyncJobSet:
        return self.made(config=config)

    def allowed(self, visit: Visit) -> list[Action]:
        """Return what this visitor may do here."""
        return [action for action in self.actions if visit.access.may(action.needs)]

    def action(self, name: str) -> Action:
        """Return the action of a name.

        Raises:
            HTTPException: 404, there is none here.
        """
        for action in self.actions:
            if action.name == name:
                return action
        raise HTTPException(404)

    async def show(self, request: Request) -> Response:
        """GET /retries: a page of the list."""
        visit = visit_of(request)

        async def reading() -> dict[str, Any]:
            return {"listing": await read_listing(request, self.jobset(visit.config))}

        return await page_with(
            request, "jobset.html", reading(), set=self.name, actions=self.allowed(visit), sizes=SIZES
        )

    async def act(self, request: Request) -> Response:
        """POST /retries: one verb for all jobs that are ticked."""
        visit, form = visit_of(request), await read_form(request)
        action = next((action for action in self.actions if action.name in form), None)
        if action is None:
            raise HTTPException(400)
        must_may(visit, action.needs)
        keys = form.get("key", [])[:MOST_KEYS]
        done = await self.take(request, action, keys)
        return self._back(visit, form, action, done, len(keys))

    async def take(self, request: Request, action: Action, keys: Sequence[str]) -> int:
        """Carry out an action on the entries of some keys; returns on how many."""
        config = visit_of(request).config
        found = await asyncio.gather(*(entry_of(self.jobset(config), key) for key in keys))
        done: list[str] = []
        try:
            for entry in found:
                if entry is not None and await _tried(action, entry):
                    done.append(entry.jid)  # noqa: PERF401 - one after another may fail
        finally:  # what was done is recorded, though the rest failed
            actions.recorded(request, action.name, self.name, count=len(done), filter=actions.of_jids(done))
        return len(done)

    async def show_one(self, request: Request) -> Response:
        """GET /retries/KEY: one entry, as the page of its job shows it."""
        visit = visit_of(request)
        found = await self._found(request)
        if found is None:
            return visit.redirect(self.name, flash=visit.flash("sets.gone"))
        return await job.show(request, found, self.allowed(visit))

    async def show_raw(self, request: Request) -> Response:
        """GET /retries/KEY/raw: its bytes."""
        return await job.show_raw(request, await self._must_find(request))

    async def show_edit(self, request: Request) -> Response:
        """GET /retries/KEY/edit: its arguments, to change them."""
        return await job.show_edit(request, await self._must_find(request))

    async def save(self, request: Request) -> Response:
        """POST /retries/KEY/edit."""
        return await job.save(request, await self._must_find(request))

    async def _found(self, request: Request) -> Found | None:
        key: str = request.path_params["key"]
        entry = await entry_of(self.jobset(visit_of(request).config), key)
        return None if entry is None else Found(self.name, entry, f"{self.name}/{key}")

    async def _must_find(self, request: Request) -> Found:
        found = await self._found(request)
        if found is None:
            raise HTTPException(404)
        return found

    async def act_on_one(self, request: Request) -> Response:
        """POST /retries/KEY: one verb for one entry."""
        visit, form = visit_of(request), await read_form(request)
        action = next((action for action in (*self.actions, *self.unshown) if action.name in form), None)
        if action is None:
            raise HTTPException(400)
        must_may(visit, action.needs)
        done = await self.take(request, action, [request.path_params["key"]])
        return self._back(visit, form, action, done, 1)

    async def act_on_all(self, request: Request) -> Response:
        """POST /retries/all/retry: all that match `q`, once that is confirmed."""
        visit, form = visit_of(request), await read_form(request)
        action = self.action(request.path_params["verb"])
        must_may(visit, action.needs)
        parsed = words.parse(form.get("q", [""])[0], arguments=visit.access.sees_arguments)
        if parsed.problems:
            raise HTTPException(400)
        jobset = self.jobset(visit.config)
        selection = jobset.where(**parsed.conditions)
        # What was counted is not counted again: among a million jobs that takes seconds.
        total = actions.typed(form)
        if total is None and "confirm" not in form:
            total = actions.number(form, "counted")
        if total is None:
            total = await jobset.size() if parsed.is_any else await selection.count()
        if not _is_confirmed(form, total):
            actions.recorded(request, action.name, self.name, count=total, filter=parsed.text, dry_run=True)
            wrong = "confirm" in form
            return await page(
                request, "confirm.html", set=self.name, action=action, total=total, filter=parsed, wrong=wrong,
                typed=total > TYPED,
            )  # fmt: skip
        done = await self.carry_out(request, action, selection, total, parsed.text)
        if isinstance(done, Bulk):
            return visit.redirect(f"actions/{done.id}")
        return visit.redirect(self.name, flash=visit.flash(f"done.{action.name}", count=done))

    async def carry_out(
        self, request: Request, action: Action, selection: AsyncSetSelection, total: int, text: str
    ) -> int | Bulk:
        """Carry out an action on all that are selected: returns on how many, or the action under way."""
        record = actions.record_of(request, action.name, self.name, filter=text)
        bulk = Bulk(action.name, action.needs, self.name, text, total, record)
        return await bulks.carry_out(request, bulk, lambda told: action.every(selection, told))

    def _back(self, visit: Visit, form: Form, action: Action, done: int, asked: int) -> Response:
        """Go back to the list where one was, and say there what was done."""
        kept = {name: form[name][0] for name in ("q", "count", "after", "before") if form.get(name, [""])[0]}
        return visit.redirect(self.name, **kept, flash=done_in_words(visit, action.name, done, asked))


def _is_confirmed(form: Form, total: int) -> bool:
    """Tell whether what was confirmed is what would be done: many jobs by typing how many."""
    return actions.typed(form) == total or (form.get("confirm") == ["yes"] and total <= TYPED)


async def _tried(action: Action, entry: AsyncSortedEntry) -> bool:
    """Carry out an action on one entry; bytes that no queue can take are left where they are."""
    try:
        return await action.one(entry)
    except MalformedPayload:
        return False


def _pages(of: JobSetPage) -> Pages:
    routes = [
        route
        for path in (of.name, *of.aliases)
        for route in (
            Route(f"/{path}", shared(of.show)),
            Route(f"/{path}", of.act, methods=["POST"]),
            Route(f"/{path}/all/{{verb}}", of.act_on_all, methods=["POST"]),
            Route(f"/{path}/{{key}}", of.show_one),
            Route(f"/{path}/{{key}}", of.act_on_one, methods=["POST"]),
            Route(f"/{path}/{{key}}/raw", of.show_raw),
            Route(f"/{path}/{{key}}/edit", of.show_edit),
            Route(f"/{path}/{{key}}/edit", of.save, methods=["POST"]),
        )
    ]
    return Pages(routes=routes, tab=Tab(of.name, f"nav.{of.name}", of.order))


RETRIES = JobSetPage("retries", AsyncRetrySet, (RETRY, KILL, DELETE), 30)
SCHEDULED = JobSetPage("scheduled", AsyncScheduledSet, (ENQUEUE, DELETE), 40)
DEAD = JobSetPage("dead", AsyncDeadSet, (RETRY, DELETE), 50, aliases=("morgue",), unshown=(KILL,))

JOBSETS = (RETRIES, SCHEDULED, DEAD)

PAGES = tuple(_pages(of) for of in JOBSETS)
