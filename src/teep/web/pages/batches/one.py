"""One batch: how far it is, its events and callbacks, what of it has failed, its parent and its children."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api.batches import AsyncBatchSet, AsyncBatchStatus, BatchGlimpse, Event
from teep.api.jobs.selection import words
from teep.config import Config
from teep.web import urls
from teep.web.pages.batches.rows import BatchRow, row_of
from teep.web.rendering import page_with, printable, visit_of

MOST = 25
"""Failed jobs, dead jobs, and children of each kind, that a page names."""

EVENTS: tuple[Event, ...] = ("complete", "success", "finish", "death")


class CallbackRow(NamedTuple):
    """A callback: its class, and the path of its job, which is there from `fired_at` on."""

    klass: str
    jid: str
    path: str


class EventRow(NamedTuple):
    """An event of a batch, and what it pushes or has pushed."""

    name: str
    at: datetime | None
    callbacks: Sequence[CallbackRow]


class JobRow(NamedTuple):
    """A job that has failed: "dead", or "retries" if it is tried again."""

    jid: str
    path: str
    where: str


class BatchView(NamedTuple):
    """A batch as its page shows it. Of children those are told that have not finished, and those that failed."""

    row: BatchRow
    events: Sequence[EventRow]
    failed: Sequence[JobRow]
    parent: str
    parent_row: BatchRow | None
    children: Sequence[BatchRow]
    open_children: int
    blocks: int
    is_invalid: bool
    is_abandoned: bool
    expires_at: datetime | None
    word: str
    """The word of the filter that finds its jobs."""


async def show_one(request: Request) -> Response:
    """GET /batches/BID: one of them."""
    config = visit_of(request).config
    status = await must_find(config, request.path_params["bid"])

    async def reading() -> dict[str, Any]:
        return {"batch": await view_of(config, status), "row": row_of(status)}

    return await page_with(request, "batches/batch.html", reading())


async def view_of(config: Config, status: AsyncBatchStatus) -> BatchView:
    """Read the rest of a batch. One round trip however many jobs it has; two if it has a parent or children."""
    seen = await status.glimpse(MOST)
    family = [status.parent, *seen.children, *seen.fallen]
    parent, *children = await asyncio.gather(*(_row(config, bid) for bid in family))
    return BatchView(
        row=row_of(status),
        events=[_event(status, event) for event in EVENTS],
        failed=_failed(seen),
        parent=printable(status.parent or ""),
        parent_row=parent,
        children=[child for child in children if child is not None],
        open_children=status.open_children,
        blocks=seen.blocks,
        is_invalid=status.invalid,
        is_abandoned=status.abandoned,
        expires_at=seen.expires_at,
        word=words.written("bid", status.bid),
    )


async def must_find(config: Config, bid: str) -> AsyncBatchStatus:
    """Return a batch. One round trip.

    Raises:
        HTTPException: 404, there is none.
    """
    status = await AsyncBatchSet(config=config).get(bid)
    if status is None:
        raise HTTPException(404)
    return status


async def _row(config: Config, bid: str | None) -> BatchRow | None:
    status = await AsyncBatchSet(config=config).get(bid) if bid else None
    return None if status is None else row_of(status)


def _event(status: AsyncBatchStatus, event: Event) -> EventRow:
    callbacks = [
        CallbackRow(printable(callback.klass), printable(callback.jid), f"jobs/{urls.to_path(callback.jid)}")
        for callback in status.callbacks.get(event, ())
    ]
    return EventRow(event, status.fired_at(event), callbacks)


def _failed(seen: BatchGlimpse) -> list[JobRow]:
    named = [(jid, "dead") for jid in seen.dead] + [(jid, "retries") for jid in seen.failed]
    return [JobRow(printable(jid), f"jobs/{urls.to_path(jid)}", where) for jid, where in named[:MOST]]
