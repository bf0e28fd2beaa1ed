"""Database transactions that hold pushes until they have committed.

1. Each integration adds a `Source`, which finds the transactions that are open around a push.
2. A push with such transactions around it becomes a `PendingPush`, and each of them gets it.
3. It is sent when the last one has committed. One that is rolled back never says so, and thus drops it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NoReturn, Protocol

from teep.client.delivery import kept_out
from teep.client.delivery.test_mode import Redirect, current
from teep.client.payloads.bulk import BULK_SLICE
from teep.config import Config, async_driver_for, driver_for
from teep.drivers.plans import Call, Late, run_plan, run_plan_async
from teep.errors import NotPushed, RedisError
from teep.store.jobs.pushes import KeptOut, Push, joined
from teep.telling import Logger
from teep.wire import payload
from teep.wire.command import Command
from teep.wire.payload import Item

if TYPE_CHECKING:
    import asyncio

logger = Logger("teep")


class Transaction(Protocol):
    """An open database transaction."""

    def hold(self, held: "PendingPush") -> None:
        """Keep a push; after the commit ask `is_due`, and send the push if that is true."""


Source = Callable[[], Sequence[Transaction]]

_sources: dict[str, Source] = {}
# The event loop keeps weak references to its tasks only.
_sending: "set[asyncio.Task[None]]" = set()


def add_source(library: str, source: Source) -> None:
    """Look for open transactions of a library at every push of this process from now on; one source a library."""
    _sources[library] = source


def may_hold() -> bool:
    """Whether there is a source at all."""
    return bool(_sources)


def around() -> list[Transaction]:
    """Return the transactions that are open where this is called."""
    return [transaction for source in _sources.values() for transaction in source()]


class PendingPush:
    """A push that waits for transactions. If `teep.testing` takes pushes, it goes there, as it would have at once."""

    def __init__(self, config: Config, push: Push, commits: int) -> None:
        self.config = config
        self.push = push
        self.redirect = current()
        self._commits = commits

    def is_due(self) -> bool:
        """Count one commit; true if it was the last."""
        self._commits -= 1
        return not self._commits


def hold(config: Config, push: Push, transactions: Sequence[Transaction]) -> None:
    """Send a push when all these transactions have committed."""
    held = PendingPush(config, push, len(transactions))
    for transaction in transactions:
        transaction.hold(held)


def send(due: Sequence[PendingPush], abandoned: Callable[[], Iterable[PendingPush]] = tuple) -> None:
    """Send pushes that were held, in the order in which they were made, up to 1000 jobs a round trip.

    Args:
        due: the pushes to send.
        abandoned: returns the pushes that nobody will send if this fails, to be reported with it.

    Raises:
        NotPushed: Redis failed; the jobs that were not sent are logged and come with the error.
    """
    run_plan(_sent(due, abandoned), _CALLS)


async def send_async(due: Sequence[PendingPush]) -> None:
    """As `send`, from asyncio. It goes on if its caller is cancelled, since the commit cannot be taken back."""
    import asyncio  # noqa: PLC0415 - see teep.drivers

    task = asyncio.create_task(run_plan_async(_sent(due), _CALLS))
    _sending.add(task)
    task.add_done_callback(_sending.discard)
    await asyncio.shield(task)


async def _sent(due: Sequence[PendingPush], abandoned: Callable[[], Iterable[PendingPush]] = tuple) -> None:
    failed = _Failed()
    for config, redirect, push in _deliveries(due):
        if redirect is not None:
            await redirect.take(config, push)
        elif not failed.includes(config, push):
            try:
                kept_out.tell(await _at_its_redis(config, push))
            except RedisError as error:
                failed.add(config, push, error)
    failed.report(abandoned)


def _at_its_redis(config: Config, push: Push) -> Command[list[KeptOut]]:
    """Return the command that sends a push to its own Redis: held pushes may go to several."""
    return Call(lambda: driver_for(config).execute(push), lambda: async_driver_for(config).execute(push))


def _no_redis() -> NoReturn:
    raise TypeError("the plan that sends held pushes may await nothing but calls")


_CALLS = Late(_no_redis)


def _deliveries(due: Iterable[PendingPush]) -> Iterator[tuple[Config, Redirect | None, Push]]:
    """Join pushes that follow each other and go the same way."""
    for (config, redirect), group in groupby(due, key=lambda held: (held.config, held.redirect)):
        batch: list[Push] = []
        jobs = 0
        for held in group:
            if jobs and jobs + held.push.jobs > BULK_SLICE:
                yield config, redirect, joined(batch)
                batch, jobs = [], 0
            batch.append(held.push)
            jobs += held.push.jobs
        yield config, redirect, joined(batch)


class _Failed:
    """Pushes that could not be sent. A Redis that has failed is not asked again: its caller has waited enough."""

    def __init__(self) -> None:
        self._causes: dict[Config, RedisError] = {}
        self._pushes: list[Push] = []

    def add(self, config: Config, push: Push, cause: RedisError) -> None:
        self._causes[config] = cause
        self._pushes.append(push)

    def includes(self, config: Config, push: Push) -> bool:
        """Tell whether the Redis of a push has failed already; then the push has failed, too."""
        if config not in self._causes:
            return False
        self._pushes.append(push)
        return True

    def report(self, abandoned: Callable[[], Iterable[PendingPush]] = tuple) -> None:
        """Log each job that failed or was abandoned, and raise one error for all of them, if there are any."""
        if not self._causes:
            return
        cause = next(iter(self._causes.values()))
        items = [item for push in (*self._pushes, *(held.push for held in abandoned())) for item in _items(push)]
        for item in items:
            logger.error("committed, not pushed: %s %s to %r: %s", item["class"], item["jid"], item["queue"], cause)
        raise NotPushed(
            f"the transaction has committed, but {len(items)} of its jobs could not be pushed: {cause}", items
        ) from cause


def _items(push: Push) -> list[Item]:
    queued = [payload.parse(raw) for raws in (*push.now.values(), *(row.jobs for row in push.rows)) for raw in raws]
    return queued + [{**payload.parse(raw), "at": at} for at, raw in push.later]
