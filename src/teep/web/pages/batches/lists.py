"""All batches, or all workflows, the newest first: by page, or those that have a tag or are in a state."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from teep.api.batches import AsyncBatchSet, AsyncBatchStatus
from teep.api.workflows import AsyncWorkflowStatus
from teep.config import Config
from teep.web import urls
from teep.web.pages.batches.rows import STATES, BatchRow, row_of
from teep.web.pages.fleet.numbered import Numbered
from teep.web.rendering import page_with, visit_of

SIZE = 25

_MOST = 1_000_000_000

S = TypeVar("S", AsyncBatchStatus, AsyncWorkflowStatus)


class Listed(NamedTuple, Generic[S]):
    """A page of a list: by number (`shown`), or what a search has found, and from where another one goes on.

    `looked_at` of `total` were searched.
    """

    found: list[S]
    total: int
    looked_at: int
    next: int | None
    shown: Numbered[S] | None


@dataclass(frozen=True)
class Lists(Generic[S]):
    """A list: its path, its set, the states that one may be in, and what is shown of one."""

    path: str
    made: Callable[[Config], Any]
    states: Collection[str]
    row: Callable[[S], BatchRow]

    async def show(self, request: Request) -> Response:
        """GET /batches: a page; `tag` and `state` choose some, which are looked for from the `from`th on."""
        return await page_with(request, "batches/batches.html", self._read(request), path=self.path)

    async def _read(self, request: Request) -> dict[str, Any]:
        query = request.query_params
        tag, state = self._chosen(query)
        listed = await self.read(visit_of(request).config, query)
        rows = [self.row(status) for status in listed.found]
        here = {name: value for name, value in (("tag", tag), ("state", state)) if value}
        tags = sorted({tag for row in rows for tag in row.tags})
        return {"listed": listed, "rows": rows, "tag": tag or "", "state": state, "states": self.states, "here": here,
                "known_tags": tags}  # fmt: skip

    async def read(self, config: Config, query: QueryParams) -> Listed[S]:
        """Read what a query asks for. Three round trips; a search two for each hundred, for 150 ms."""
        tag, state = self._chosen(query)
        every = self.made(config)
        if tag or state:
            found = await every.where(tag=tag, state=state).search(urls.integer(query, "from", range(_MOST), 0), SIZE)
            return Listed(found.items, found.total, found.looked_at, found.next, None)
        page = await every.page(urls.integer(query, "page", range(1, _MOST), 1), SIZE)
        if not page.items and page.total:  # beyond the last one
            page = await every.page(-(-page.total // SIZE), SIZE)
        shown = Numbered(page.items, page.total, page.number, SIZE, "page")
        return Listed(page.items, page.total, page.total, None, shown)

    def _chosen(self, query: QueryParams) -> tuple[str | None, str | None]:
        state = query.get("state")
        return query.get("tag", "").strip() or None, state if state in self.states else None


BATCHES: Lists[AsyncBatchStatus] = Lists("batches", lambda config: AsyncBatchSet(config=config), STATES, row_of)
