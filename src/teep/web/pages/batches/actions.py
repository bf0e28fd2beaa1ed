"""What is done to a batch: its jobs are skipped, sent back or looked for; it is forgotten."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from teep.api.batches import AsyncBatchStatus
from teep.api.jobs.selection import words
from teep.api.jobs.selection.sweep import Progress
from teep.web import actions, bulks
from teep.web.actions import must_may, recorded, verb_of
from teep.web.bulks import Bulk, Bulks
from teep.web.guard.safety import read_form
from teep.web.pages.batches.one import must_find
from teep.web.pages.batches.rows import path_of
from teep.web.rendering import visit_of

VERBS: Mapping[str, tuple[str, ...]] = {"invalidate": (), "retry": (), "reconcile": (), "delete": ("delete",)}
"""What can be done to a batch, and the verbs of an `Access` that it needs beside "batch"."""

_SOUGHT_AT_ONCE = 100
"""Up to so many pending jobs are looked for before it is answered: each through every queue and set."""


async def act(request: Request) -> Response:
    """POST /batches/BID: invalidate, retry its failed jobs, reconcile (look for lost ones), or delete (forget) it."""
    visit, form = visit_of(request), await read_form(request)
    bid = request.path_params["bid"]
    verb = verb_of(form, VERBS)
    done = await carry_out(request, bid, verb)
    if isinstance(done, Bulk):
        return visit.redirect(f"actions/{done.id}")
    flash = visit.flash(f"done.{verb}" if verb in ("retry", "reconcile") else f"batches.is_{verb}", count=done)
    return visit.redirect("batches" if verb == "delete" else path_of(bid), flash=flash)


async def carry_out(request: Request, bid: str, verb: str) -> int | Bulk:
    """Do one of `VERBS` to a batch, and record it: returns on how many jobs, or the action under way.

    Raises:
        HTTPException: 403; or 404, there is no such batch.
    """
    visit = visit_of(request)
    for needed in ("batch", *VERBS[verb]):
        must_may(visit, needed)
    status = await must_find(visit.config, bid)
    if verb in ("retry", "reconcile"):
        return await _walked(request, status, verb)
    await (status.invalidate_all() if verb == "invalidate" else status.delete())
    recorded(request, verb, path_of(bid), count=1, of="batches")
    return 1


async def _walked(request: Request, status: AsyncBatchStatus, verb: str) -> int | Bulk:
    """Do what walks through queues and sets, beside the requests if it takes long."""
    where, text = path_of(status.bid), words.written("bid", status.bid)
    total = status.failures if verb == "retry" else status.pending
    record = actions.record_of(request, verb, where, filter=text)
    bulk = Bulk(verb, "batch", where, text, total, record, title=status.description or status.bid)

    async def work(told: Progress) -> int:
        if verb == "retry":
            return await status.retry_failed(on_progress=told)
        return len(await status.reconcile(on_progress=told))

    if verb == "reconcile" and total > _SOUGHT_AT_ONCE:
        await Bulks.of(visit_of(request).site).start(bulk, work)
        return bulk
    return await bulks.carry_out(request, bulk, work)
