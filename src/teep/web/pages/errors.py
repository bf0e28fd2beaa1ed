"""Errors: what fails, in groups by class, error and message, and what can be done to all of a group.

A page counts for a moment only, however many jobs there are, and says how far it came; on request the rest is counted
beside the requests. All who look at it share what was counted.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncDeadSet, AsyncRetrySet, AsyncSortedEntry, ErrorGroup, ErrorGroups
from teep.api.jobs.selection import words
from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.config import Config
from teep.errors import TeepError
from teep.web import urls
from teep.web.lists import SIZES, key_of
from teep.web.pages.jobsets import DEAD, RETRIES
from teep.web.registry import Pages, Tab
from teep.web.rendering import Site, page_with, printable, visit_of
from teep.web.rendering.shared import shared

logger = logging.getLogger("teep.web")

# Seconds that a count is shown again, so that many who look make Redis count once; longer if it was asked for.
_FRESH, _KEPT = 5.0, 600.0
# Among more than so many jobs, the number of a group counts as that of now for so many seconds.
_MANY, _EXACT = 100_000, 60.0
# Seconds that a whole count takes Redis, and then leaves it alone. Others are served after each thousand jobs, too.
_STEP, _REST = 0.05, 0.02


class Census:
    """How the jobs of both sets failed, as far as they were counted."""

    def __init__(self, config: Config) -> None:
        self._sets = {"retries": AsyncRetrySet(config=config), "dead": AsyncDeadSet(config=config)}
        self.found: dict[str, ErrorGroups[AsyncSortedEntry]] = {}
        self.at = datetime.now(UTC)
        self.problem = ""
        self._since = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def of(cls, site: Site, *, anew: bool = False) -> "Census":
        """Return what an app counted lately, else what it counts in a moment."""
        kept: Census | None = site.shared.get("errors")
        if kept is None or kept.is_old or anew:
            kept = cls(site.config)
            await kept.count(SEARCH_SECONDS)
            site.shared["errors"] = kept
        return kept

    @property
    def is_old(self) -> bool:
        """Whether it tells too little of what is now."""
        return time.monotonic() - self._since > (_FRESH if self._task is None else _KEPT)

    @property
    def is_running(self) -> bool:
        """Whether the rest is being counted."""
        return self._task is not None and not self._task.done()

    @property
    def complete(self) -> bool:
        """Whether all was counted."""
        return all(found.complete for found in self.found.values())

    @property
    def is_exact(self) -> bool:
        """Whether what is done to a group need not be counted once more: of many jobs that would take seconds."""
        return self.complete and self.total > _MANY and time.monotonic() - self._since < _EXACT

    @property
    def total(self) -> int:
        """How many jobs there are."""
        return sum(found.total for found in self.found.values())

    @property
    def looked_at(self) -> int:
        """How many of them are counted."""
        return sum(found.looked_at for found in self.found.values())

    async def count(self, seconds: float) -> None:
        """Count on, in both sets at once."""
        counts = (jobs.errors(self.found.get(name), seconds=seconds) for name, jobs in self._sets.items())
        self.found = dict(zip(self._sets, await asyncio.gather(*counts), strict=True))
        self.at, self._since = datetime.now(UTC), time.monotonic()

    def start(self) -> None:
        """Count the rest beside the requests."""
        if not self.is_running:
            self._task = asyncio.get_running_loop().create_task(self._count_all(), name="teep-web-errors")

    async def _count_all(self) -> None:
        self.problem = ""
        try:
            while not self.complete:
                await self.count(_STEP)
                await asyncio.sleep(_REST)
        except TeepError as error:
            self.problem = str(error)
        except Exception as error:
            self.problem = type(error).__name__
            logger.exception("counting the errors failed")


class Row(NamedTuple):
    """A group as the page shows it. `filter` selects its jobs in `set`; None if no filter can."""

    id: str
    set: str
    klass: str
    error_class: str
    message: str | None
    count: int  # type: ignore[assignment]  # a tuple's own count() is of no use here
    first: datetime | None
    last: datetime | None
    sample: str
    filter: str | None


async def show(request: Request) -> Response:
    """GET /errors: the largest groups (`count` says how many), and how far they were counted."""
    visit = visit_of(request)
    asked = urls.integer(request.query_params, "count", range(1, 101), SIZES[0])
    most = next(size for size in SIZES if asked <= size)

    async def reading() -> dict[str, Any]:
        census = await Census.of(visit.site)
        rows = sorted(_rows(census), key=lambda row: (-row.count, row.id))
        return {"census": census, "rows": rows[:most], "left_out": len(rows[most:])}

    allowed = {of.name: of.allowed(visit) for of in (RETRIES, DEAD)}
    return await page_with(
        request, "errors.html", reading(), allowed=allowed, more=SIZES[-1] if most < SIZES[-1] else None
    )


async def count(request: Request) -> Response:
    """POST /errors/count: all of them, or once more if that was done."""
    visit = visit_of(request)
    census = await Census.of(visit.site)
    if census.complete and not census.is_running:
        census = await Census.of(visit.site, anew=True)
    if not census.complete:
        census.start()
    return visit.redirect("errors")


def _rows(census: Census) -> Iterator[Row]:
    for name, found in census.found.items():
        for group in found.groups:
            yield _row(name, group)


def _row(name: str, group: ErrorGroup[AsyncSortedEntry]) -> Row:
    return Row(
        id=f"{zlib.crc32(repr((name, *group[:3])).encode(errors='backslashreplace')):08x}",
        set=name,
        klass=printable(group.klass),
        error_class=printable(group.error_class),
        message=None if group.message is None else printable(group.message),
        count=group.count,
        first=group.first,
        last=group.last,
        sample=f"{name}/{key_of(group.sample)}",
        filter=_filter(group),
    )


def _filter(group: ErrorGroup[AsyncSortedEntry]) -> str | None:
    conditions = group.conditions
    return None if conditions is None else words.of_errors(conditions)


PAGES = (
    Pages(
        routes=(Route("/errors", shared(show)), Route("/errors/count", count, methods=["POST"])),
        tab=Tab("errors", "nav.errors", 60),
    ),
)
