"""What a visitor does to jobs: to one, to those that are ticked, to all that match; and the record of it.

1. `must_may` checks the verb, `recorded` tells who did what: the logger `teep.web.audit`, and `config.on("audit")`.
2. What takes all that match is counted first and confirmed, above `TYPED` by typing the count.
3. Above `AT_ONCE` it runs beside the requests: `Bulk` has its progress, and can be cancelled. That
   lies in Redis, too, since the next request may come to another process.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from teep.api import AsyncSetSelection, AsyncSortedEntry
from teep.api.web import AsyncWebActions
from teep.config.handlers import fire
from teep.errors import NotMoved, RedisError, TeepError
from teep.web.guard.safety import Form
from teep.web.rendering import Site, Visit, visit_of

audit_logger = logging.getLogger("teep.web.audit")
logger = logging.getLogger("teep.web")

TYPED = 1_000
"""Above so many jobs the count is typed to confirm."""
AT_ONCE = 2_000
"""Up to so many jobs an action is done before it is answered."""

# No set has so many jobs that their number has more digits.
_DIGITS = 16
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

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Action:
    """A verb for jobs in sets. `needs` is the verb of an `Access`; a dangerous one cannot be taken back."""

    name: str
    needs: str
    one: Callable[[AsyncSortedEntry], Awaitable[bool]]
    every: Callable[[AsyncSetSelection, Progress], Awaitable[int]]
    is_dangerous: bool = False


RETRY = Action("retry", "retry", lambda entry: entry.retry(), lambda some, told: some.retry_all(on_progress=told))
ENQUEUE = Action(
    "add_to_queue",
    "retry",
    lambda entry: entry.add_to_queue(),
    lambda some, told: some.add_all_to_queue(on_progress=told),
)
KILL = Action(
    "kill",
    "kill",
    lambda entry: entry.kill(),
    lambda some, told: some.kill_all(on_progress=told),
    is_dangerous=True,
)
DELETE = Action(
    "delete",
    "delete",
    lambda entry: entry.delete(),
    lambda some, told: some.delete_all(on_progress=told),
    is_dangerous=True,
)


def must_may(visit: Visit, verb: str) -> None:
    """Refuse what this visitor may not do.

    Raises:
        HTTPException: 403.
    """
    if not visit.access.may(verb):
        raise HTTPException(403, "verb")


def done_in_words(visit: Visit, verb: str, done: int, asked: int) -> str:
    """Return the sentence for the next page: how many of the jobs that were ticked a verb took."""
    if not asked:
        return visit.flash("sets.none_ticked")
    if done < asked:
        return visit.flash("done.some", done=visit.words(f"done.{verb}", count=done), gone=asked - done)
    return visit.flash(f"done.{verb}", count=done)


def typed(form: Form) -> int | None:
    """Return the number that a page has shown, if it was typed to confirm."""
    said = "".join(char for char in form.get("confirm", [""])[0] if char not in " .,'\u00a0\u202f")
    return number(form, "total") if said == form.get("total", [""])[0] else None


def number(form: Form, name: str) -> int | None:
    """Return a whole number of a form; None if it is none."""
    text = form.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def recorded(
    request: Request,
    verb: str,
    where: str,
    *,
    count: int,
    of: str = "jobs",
    filter: str = "",  # noqa: A002
    dry_run: bool = False,
) -> None:
    """Tell what was done, by which user, and to how many jobs, or queues or processes."""
    visit = visit_of(request)
    record = {
        "who": visit.access.who,
        "verb": verb,
        "where": where,
        "filter": filter,
        "count": count,
        "of": of,
        "dry_run": dry_run,
        "ip": request.client.host if request.client else "",
    }
    tell(visit.site, record)


def tell(site: Site, record: Mapping[str, Any]) -> None:
    """Log a record, and give it to the listeners."""
    audit_logger.info(
        "%s %s in %s: %s %s%s",
        record["who"] or "someone",
        record["verb"],
        record["where"],
        "some" if record["count"] is None else record["count"],
        record.get("of", "jobs"),
        f" that match {record['filter']!r}" if record["filter"] else "",
        extra={"teep": dict(record)},
    )
    fire(site.config, "audit", dict(record))


class _StoppedError(Exception):
    """Ends an action between two slices of its walk: someone cancelled it."""


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
    """How many jobs it took, once it is over; None if it was stopped between two of its steps."""
    state: str = "running"
    problem: str = ""
    started: float = field(default_factory=time.time)
    ended: float | None = None
    is_cancelled: bool = False

    def progressed(self, looked_at: int, out_of: int) -> None:
        """Note how far the walk has come."""
        self.looked_at, self.out_of = looked_at, out_of
        if self.is_cancelled:
            raise _StoppedError

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

    async def start(self, bulk: Bulk, work: Callable[[Progress], Awaitable[int]]) -> None:
        """Begin an action beside the requests."""
        self._forget()
        self._found[bulk.id] = bulk
        await self._tell(bulk)
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

    async def _run(self, bulk: Bulk, work: Callable[[Progress], Awaitable[int]]) -> None:
        telling = asyncio.ensure_future(self._keep_telling(bulk))
        try:
            await self._carry_out(bulk, work)
        finally:
            telling.cancel()
        bulk.ended = time.time()
        tell(self._site, {**bulk.record, "count": bulk.taken, "ending": bulk.state})
        with contextlib.suppress(RedisError):  # this process still knows it
            await self._tell(bulk)

    async def _carry_out(self, bulk: Bulk, work: Callable[[Progress], Awaitable[int]]) -> None:
        try:
            bulk.taken = await work(bulk.progressed)
            bulk.state = "done"
        except _StoppedError:
            bulk.state = "cancelled"
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
