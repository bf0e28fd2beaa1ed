"""Actions on all jobs that match: done at once where there are few, else beside the requests.

`Bulk` has the progress of one, and can be cancelled. It lies in Redis, too, since the next request may come to
another process.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from teep.api.jobs.selection.sweep import Progress
from teep.api.web import AsyncWebActions
from teep.errors import NotMoved, RedisError, TeepError
from teep.web.actions import must_may, recorded, tell
from teep.web.rendering import Site, visit_of

logger = logging.getLogger("teep.web")

AT_ONCE = 2_000
"""Up to so many jobs an action is done before it is answered."""

# Seconds after which an action tells how far it is, and those after which one that tells nothing is over.
_TELLS = 0.5
_SILENT = 60
_SHARED = (
    "action", "needs", "where", "title", "filter", "total", "id", "looked_at", "out_of", "taken", "state", "problem",
    "started", "ended", "is_cancelled",
)  # fmt: skip
# Seconds that the end of an action can be read.
_KEPT = 3_600
_MOST = 200

Work = Callable[[Progress], Awaitable[int]]


@dataclass
class Bulk:
    """An action on all that match, under way or over."""

    action: str
    needs: str
    where: str
    filter: str
    total: int
    record: dict[str, Any]
    title: str = ""
    """The name of the place, if the translations have none for it."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    looked_at: int = 0
    out_of: int = 0
    taken: int | None = None
    """How many jobs it took, once it is over; None if it failed."""
    state: str = "running"
    problem: str = ""
    started: float = field(default_factory=time.time)
    ended: float | None = None
    is_cancelled: bool = False
    is_cut_short: bool = False
    """Whether it was cancelled before its end."""

    def progressed(self, looked_at: int, out_of: int) -> bool:
        """Note how far the walk has come; returns False, which ends it there, if someone has cancelled it."""
        self.looked_at, self.out_of = looked_at, out_of
        self.is_cut_short = self.is_cancelled and looked_at < out_of
        return not self.is_cancelled

    def told(self) -> dict[str, Any]:
        """Return what another process needs to show it."""
        return {**{name: getattr(self, name) for name in _SHARED}, "at": time.time()}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Bulk":
        """Return an action of another process, which it cannot have gone on with if it has told nothing for long."""
        bulk = cls(record={}, **{name: told[name] for name in _SHARED})
        if bulk.state == "running" and time.time() - told["at"] > _SILENT:
            bulk.state, bulk.problem = "failed", "the process that carried it out is gone"
        return bulk

    @property
    def share(self) -> float:
        """How much of the set was looked at, 0 to 1."""
        return 1.0 if self.state == "done" else min(self.looked_at / self.out_of, 1.0) if self.out_of else 0.0


class Bulks:
    """The actions of this process; each runs as a task of its event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shared = AsyncWebActions(config=site.config)
        self._found: dict[str, Bulk] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, site: Site) -> "Bulks":
        """Return those of an app."""
        made: Bulks = site.shared.setdefault("bulks", cls(site))
        return made

    async def find(self, name: str) -> Bulk | None:
        """Return an action of any process, also for an hour after its end."""
        if (bulk := self._found.get(name)) is not None:
            return bulk
        told = await self._shared.read(name)
        return None if told is None else Bulk.of(told)

    async def cancel(self, bulk: Bulk) -> None:
        """Let an action end after the slice that it is in, here or in its process."""
        bulk.is_cancelled = True
        await self._shared.cancel(bulk.id)

    async def start(self, bulk: Bulk, work: Work) -> None:
        """Begin an action beside the requests."""
        self._forget()
        await self._tell(bulk)
        self._found[bulk.id] = bulk
        # It is told at its end, too; but that may come with this process's own.
        tell(self._site, {**bulk.record, "count": bulk.total, "ending": bulk.state})
        task = asyncio.get_running_loop().create_task(self._run(bulk, work), name=f"teep-web-{bulk.action}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, bulk: Bulk) -> None:
        bulk.is_cancelled |= await self._shared.write(bulk.id, bulk.told())

    async def _keep_telling(self, bulk: Bulk) -> None:
        while True:
            await asyncio.sleep(_TELLS)
            with contextlib.suppress(RedisError):  # the next time, perhaps
                await self._tell(bulk)

    async def _run(self, bulk: Bulk, work: Work) -> None:
        telling = asyncio.ensure_future(self._keep_telling(bulk))
        try:
            await self._carry_out(bulk, work)
        finally:
            telling.cancel()
        bulk.ended = time.time()
        tell(self._site, {**bulk.record, "count": bulk.taken, "ending": bulk.state})
        with contextlib.suppress(RedisError):  # this process still knows it
            await self._tell(bulk)

    async def _carry_out(self, bulk: Bulk, work: Work) -> None:
        try:
            bulk.taken = await work(bulk.progressed)
            bulk.state = "cancelled" if bulk.is_cut_short else "done"
        except NotMoved as error:
            bulk.state, bulk.problem, bulk.taken = "failed", str(error), error.moved
        except TeepError as error:
            bulk.state, bulk.problem = "failed", str(error)
        except Exception as error:
            bulk.state, bulk.problem = "failed", type(error).__name__
            logger.exception("%s in %s failed", bulk.action, bulk.where)

    def _forget(self) -> None:
        over = [bulk for bulk in self._found.values() if bulk.ended is not None]
        old = [bulk for bulk in over if bulk.ended is not None and time.time() - bulk.ended > _KEPT]
        for bulk in [*old, *over[: max(len(over) - _MOST, 0)]]:
            self._found.pop(bulk.id, None)


async def carry_out(request: Request, bulk: Bulk, work: Work) -> int | Bulk:
    """Carry out what was confirmed: returns on how many jobs, or the action under way."""
    site = visit_of(request).site
    if bulk.total > AT_ONCE:
        await Bulks.of(site).start(bulk, work)
        return bulk
    done: int | None = None
    try:
        done = taken = await work(_not_told)
    except NotMoved as error:
        done = error.moved
        raise
    finally:  # what was done is recorded, though the rest failed
        tell(site, {**bulk.record, "count": done})
    return taken


async def cancel(request: Request, bulk: Bulk) -> None:
    """Let an action end, as one may who could have begun it.

    Raises:
        HTTPException: 403.
    """
    visit = visit_of(request)
    must_may(visit, bulk.needs)
    await Bulks.of(visit.site).cancel(bulk)
    recorded(request, "cancel", f"actions/{bulk.id}", count=1, of="actions")


def _not_told(looked_at: int, out_of: int) -> None:
    """Hear how far an action is, which is answered only once it is done."""
