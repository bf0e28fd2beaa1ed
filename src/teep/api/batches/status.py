"""A batch as it is: its numbers, its failed jobs, its callbacks, and verbs."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from teep.api.base import Api, AsyncApi, SyncApi, seconds_of
from teep.api.batches.fields import BatchCallback, Fields
from teep.api.jobs import moves
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Chosen, take_from_set
from teep.client import AsyncClient, Client
from teep.clock import monotonic
from teep.config import Config
from teep.drivers.operation import operation
from teep.drivers.plans import pause
from teep.errors import InvalidValue, NotHere
from teep.store import batches
from teep.store.batches import EVENTS, Event, Record, is_ours
from teep.store.jobs import lost
from teep.wire import keys
from teep.wire.keys import Companion

__all__ = ["AsyncBatchStatus", "BatchCallback", "BatchStatus"]

# Seconds between looks while one waits, the first and the longest.
_FIRST_LOOK, _LAST_LOOK = 0.02, 1.0


class _BatchStatus(Fields, Api):
    """A batch as it was when this was made, or when `refresh` was called last. Sidekiq Pro's Batch::Status.

    `pending` counts jobs that are not over, and dead ones; `failures` those of them that failed at their last run.
    """

    def __init__(
        self,
        bid: str,
        record: Record | None = None,
        *,
        config: Config | None = None,
        client: Client | AsyncClient | None = None,
    ) -> None:
        super().__init__(config=config, client=client)
        if not is_ours(bid):
            raise InvalidValue(f"a bid is 24 hex digits, such as Batch().bid, not {bid!r:.100}")
        self.bid = bid
        self._record = record
        self._members: Mapping[Companion, list[str]] | None = None
        self._expires_at: datetime | None = None

    async def _read(self) -> None:
        self._record, self._members, life = await batches.look(self.bid)
        self._expires_at = None if life < 0 else datetime.fromtimestamp(time.time() + life / 1000, UTC)

    @property
    def failed_jids(self) -> list[str]:
        """The jids of the jobs that have failed at their last run, sorted, the dead ones included."""
        return self._jids("failed")

    @property
    def dead_jids(self) -> list[str]:
        """The jids of the dead jobs, sorted."""
        return self._jids("dead")

    @property
    def children(self) -> list[str]:
        """The bids of the child batches that have not finished, sorted."""
        return self._jids("children")

    @property
    def expires_at(self) -> datetime | None:
        """When it is forgotten."""
        self._jids("failed")
        return self._expires_at

    def _jids(self, of: Companion) -> list[str]:
        if self._members is None:
            self._look()
        return list((self._members or {}).get(of, ()))

    def _look(self) -> None:
        raise NotHere("a batch of a BatchSet was read without its jids; await its refresh() first")

    @operation
    async def refresh(self) -> None:
        """Read it anew. One round trip."""
        await self._read()

    @operation
    async def wait(self, timeout: float | timedelta = 60.0, event: Event = "finish") -> bool:  # noqa: ASYNC109 - seconds to wait are no limit of a task
        """Wait until all its jobs are over, or until another event; False if it has not come after `timeout` seconds.

        Looks after 20 ms and then ever less often, up to once a second. The status is read anew at the end. One that
        is not known, or not any more, is not waited for.
        """
        if event not in EVENTS:
            raise InvalidValue(f"a batch has the events {', '.join(EVENTS)}, not {event!r}")
        until, interval = monotonic() + seconds_of(timeout), _FIRST_LOOK
        while (fired := await batches.has_fired(self.bid, event)) is False and (left := until - monotonic()) > 0:
            await pause(min(interval, left))
            interval = min(interval * 1.5, _LAST_LOOK)
        await self._read()
        return bool(fired)

    @operation
    async def invalidate_all(self) -> None:
        """Have workers skip its jobs from now on, within a second; a skipped job counts as discarded. One round trip.

        Those that run go on. Callbacks are pushed all the same, but that of "success".
        """
        await batches.note(self.bid, "invalid", 1)

    @operation
    async def retry_failed(self) -> int:
        """Send its jobs in the retry set and the dead set back to their queues; returns how many.

        A walk through both sets inside Redis. Uses up no retries.
        """
        return sum([await self._retry(key) for key in (keys.retry(), keys.dead())])

    async def _retry(self, key: keys.Key) -> int:
        async def act(some: Sequence[Chosen]) -> int:
            return await moves.enqueue_some(self.config, key, [job for job, _ in some], take_back=True)

        return await take_from_set(key, Filter(bid=self.bid), act)

    @operation
    async def reconcile(self) -> list[str]:
        """Look for its pending jobs; those that are nowhere count as discarded from now on. Returns their jids.

        A job that a large block has pushed is known by its index, the `bix` of its payload; of such ones it returns
        that, as a string. A Ruby process that deletes a job tells no batch. Costs a search through all queues and
        sets for each job, or if they have indices, up to three walks through them for all of these jobs.
        """
        return await lost.reconcile(self.bid)

    @operation
    async def delete(self) -> bool:
        """Forget it; its jobs go on without it, and no callback is pushed any more. False if it was not there."""
        return await batches.forget(self.bid)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bid}: {self.pending} of {self.total} pending, {self.state}>"


class BatchStatus(_BatchStatus, SyncApi):
    def __init__(
        self,
        bid: str,
        record: Record | None = None,
        *,
        config: Config | None = None,
        client: Client | None = None,
    ) -> None:
        super().__init__(bid, record, config=config, client=client)
        if record is None:
            self._look()

    def _look(self) -> None:
        self._run(self._read())


class AsyncBatchStatus(_BatchStatus, AsyncApi):
    @classmethod
    async def fetch(cls, bid: str, *, config: Config | None = None, client: AsyncClient | None = None) -> Self:
        """Return a batch as it is now. One round trip."""
        status = cls(bid, config=config, client=client)
        await status._run(status._read())
        return status
