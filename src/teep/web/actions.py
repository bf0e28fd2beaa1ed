"""What a visitor does to jobs: to one, to those that are ticked, to all that match; and the record of it.

1. `must_may` checks the verb, `recorded` tells who did what: the logger `teep.web.audit`, and `config.on("audit")`.
2. What takes all that match is counted first and confirmed, above `TYPED` by typing the count.
3. Above `AT_ONCE` it runs beside the requests: `Bulk` has its progress, and can be cancelled.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from teep.api import AsyncSetSelection, AsyncSortedEntry
from teep.config.handlers import fire
from teep.errors import NotMoved, TeepError
from teep.web.rendering import Site, Visit, visit_of

audit_logger = logging.getLogger("teep.web.audit")
logger = logging.getLogger("teep.web")

TYPED = 1_000
"""Above so many jobs the count is typed to confirm."""
AT_ONCE = 2_000
"""Up to so many jobs an action is done before it is answered."""

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
    """Tell what was done, by whom, and to how many jobs, or queues or processes."""
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

    @property
    def share(self) -> float:
        """How much of the set was looked at, 0 to 1."""
        return 1.0 if self.state == "done" else min(self.looked_at / self.out_of, 1.0) if self.out_of else 0.0


class Bulks:
    """The actions of this process; each runs as a task of its event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._found: dict[str, Bulk] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, site: Site) -> "Bulks":
        """Return those of an app."""
        made: Bulks = site.shared.setdefault("bulks", cls(site))
        return made

    def get(self, name: str) -> Bulk | None:
        """Return an action, also for an hour after its end; None where another process has it, or none."""
        return self._found.get(name)

    def start(self, bulk: Bulk, work: Callable[[Progress], Awaitable[int]]) -> None:
        """Begin an action beside the requests."""
        self._forget()
        self._found[bulk.id] = bulk
        task = asyncio.get_running_loop().create_task(self._run(bulk, work), name=f"teep-web-{bulk.action}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, bulk: Bulk, work: Callable[[Progress], Awaitable[int]]) -> None:
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
        bulk.ended = time.time()
        tell(self._site, {**bulk.record, "count": bulk.taken, "ending": bulk.state})

    def _forget(self) -> None:
        over = [bulk for bulk in self._found.values() if bulk.ended is not None]
        old = [bulk for bulk in over if bulk.ended is not None and time.time() - bulk.ended > _KEPT]
        for bulk in [*old, *over[: max(len(over) - _MOST, 0)]]:
            self._found.pop(bulk.id, None)
