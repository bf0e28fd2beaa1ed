"""All batches, the newest first: by page, or those that have a tag or are in a state."""

from typing import Any, NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from teep.api.batches import AsyncBatchSet, AsyncBatchStatus
from teep.web import urls
from teep.web.pages.batches.rows import STATES, row_of
from teep.web.pages.fleet.numbered import Numbered
from teep.web.rendering import page_with, visit_of

SIZE = 25

_MOST = 1_000_000_000


class Listed(NamedTuple):
    """A page of the list: by number (`shown`), or what a search has found, and from where another one goes on.

    `looked_at` of `total` batches were searched.
    """

    found: list[AsyncBatchStatus]
    total: int
    looked_at: int
    next: int | None
    shown: Numbered[AsyncBatchStatus] | None


async def show_all(request: Request) -> Response:
    """GET /batches: a page of them; `tag` and `state` choose some, which are looked for from the `from`th on."""
    return await page_with(request, "batches/batches.html", _read(request), states=STATES)


async def _read(request: Request) -> dict[str, Any]:
    query = request.query_params
    tag, state = chosen(query)
    listed = await read_list(AsyncBatchSet(config=visit_of(request).config), query)
    here = {name: value for name, value in (("tag", tag), ("state", state)) if value}
    rows = [row_of(status) for status in listed.found]
    tags = sorted({tag for row in rows for tag in row.tags})
    return {"listed": listed, "rows": rows, "tag": tag or "", "state": state, "here": here, "known_tags": tags}


def chosen(query: QueryParams) -> tuple[str | None, Any]:
    """Return the tag and the state that a query asks for, None where it asks for any."""
    state = query.get("state")
    return query.get("tag", "").strip() or None, state if state in STATES else None


async def read_list(batches: AsyncBatchSet, query: QueryParams) -> Listed:
    """Read what a query asks for. Three round trips; a search two for each hundred batches, for 150 ms."""
    tag, state = chosen(query)
    if tag or state:
        start = urls.integer(query, "from", range(_MOST), 0)
        found = await batches.where(tag=tag, state=state).search(start, SIZE)
        return Listed(found.items, found.total, found.looked_at, found.next, None)
    page = await batches.page(urls.integer(query, "page", range(1, _MOST), 1), SIZE)
    if not page.items and page.total:  # beyond the last one
        page = await batches.page(-(-page.total // SIZE), SIZE)
    shown = Numbered(page.items, page.total, page.number, SIZE, "page")
    return Listed(page.items, page.total, page.total, None, shown)
