"""A batch as it is: its numbers, its failed jobs, its callbacks, and verbs."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from teep.api.base import Api, AsyncApi, SyncApi
from teep.api.batches.fields import BatchCallback, Fields
from teep.api.batches.plans import send_all_back, wait_for
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Progress
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import InvalidValue, NotHere
from teep.store import batches
from teep.store.batches import Event, Record, is_ours
from teep.store.jobs import lost
from teep.wire.keys import Companion

__all__ = ["AsyncBatchStatus", "BatchCallback", "BatchGlimpse", "BatchStatus"]


class BatchGlimpse(NamedTuple):
    """Some of the jids and bids of a batch, sorted, however many it has.

    `dead` jobs come before `failed` ones, which are tried again: if not all dead ones are told, no failed ones are.
    `children` have not finished; `fallen` children have, without success. `blocks` is how many blocks add jobs in
    several steps, and `expires_at` when the batch is forgotten.
    """

    dead: list[str]
    failed: list[str]
    children: list[str]
    fallen: list[str]
    blocks: int
    expires_at: datetime | None


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
        self._expires_at = _end_of(life)

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
    async def glimpse(self, most: int = 25) -> BatchGlimpse:
        """Return up to `most` of its failed jobs, of its dead ones, and of its children. One round trip.

        `failed_jids` and its kind read them all, which takes long if a batch has a million.
        """
        seen = await batches.glimpse(self.bid, most)
        return BatchGlimpse(seen.dead, seen.failed, seen.children, seen.fallen, seen.openers, _end_of(seen.life))

    @operation
    async def wait(self, timeout: float | timedelta = 60.0, event: Event = "finish") -> bool:  # noqa: ASYNC109 - seconds to wait are no limit of a task
        """Wait until all its jobs are over, or until another event; False if it has not come after `timeout` seconds.

        Looks after 20 ms and then ever less often, up to once a second. The status is read anew at the end. One that
        is not known, or not any more, is not waited for.
        """
        fired = await wait_for(self.bid, event, timeout)
        await self._read()
        return fired

    @operation
    async def invalidate_all(self) -> None:
        """Have workers skip its jobs from now on, within a second; a skipped job counts as discarded. One round trip.

        Those that run go on. Callbacks are pushed all the same, but that of "success".
        """
        await batches.invalidate(self.bid)

    @operation
    async def retry_failed(self, *, on_progress: Progress | None = None) -> int:
        """Send its jobs in the retry set and the dead set back to their queues; returns how many.

        A walk through both sets inside Redis. Uses up no retries. `on_progress(done, total)` is called after each
        slice with the jobs looked at; if it returns False, the verb ends there.
        """
        return await send_all_back(self.config, Filter(bid=self.bid), on_progress=on_progress)

    @operation
    async def reconcile(self, *, on_progress: Progress | None = None) -> list[str]:
        """Look for its pending jobs; those that are nowhere count as discarded from now on. Returns their jids.

        A Ruby process that deletes a job tells no batch. A job that a large block has pushed is known by its index,
        the `bix` of its payload; of such ones it returns that, as a string. Costs a search through all queues and
        sets for each job, and three walks through them at most for all that have indices. After each of these
        `on_progress(done, total)` is called with the jobs looked for. If it returns False, the search ends there, and
        no job counts as discarded.
        """
        return await lost.reconcile(self.bid, on_progress)

    @operation
    async def delete(self) -> bool:
        """Forget it; its jobs go on without it, and no callback is pushed any more. False if it was not there."""
        return bool(await batches.forget(self.bid))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bid}: {self.pending} of {self.total} pending, {self.state}>"


def _end_of(life: int) -> datetime | None:
    return None if life < 0 else datetime.fromtimestamp(time.time() + life / 1000, UTC)


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
