"""All batches, the newest first, and those that have a tag or are in a state."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Self, TypeVar, get_args

from teep.api.base import AsyncIterable, SyncCollection
from teep.api.batches.fields import State
from teep.api.batches.listing import Statuses
from teep.api.batches.plans import send_all_back
from teep.api.batches.status import AsyncBatchStatus, BatchStatus, _BatchStatus
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Progress
from teep.drivers.operation import operation
from teep.store import batches
from teep.store.batches import Listing

B = TypeVar("B", bound=_BatchStatus)


class _BatchSet(Statuses[B]):
    """The batches, the newest first. Those that are forgotten drop out of it as they are met."""

    _store: ClassVar[Listing] = batches
    _states: ClassVar[Sequence[str]] = tuple(state for state in get_args(State) if state != "unknown")

    @operation
    async def invalidate_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Have workers skip the jobs of each batch from now on, within a second; returns how many batches.

        Takes a round trip a hundred batches. `dry_run=True` only counts them. `on_progress(done, total)` is called
        after each hundred; if it returns False, the verb ends there.
        """
        return await self._each(batches.invalidate, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def delete_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Forget each batch, whose jobs go on without it; returns how many batches. Else as `invalidate_all`."""
        return await self._each(batches.forget, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def retry_failed(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Send the jobs of all these batches back that lie in the retry set and the dead set; returns how many jobs.

        One walk through both sets, however many batches there are. Uses up no retries. `dry_run=True` only counts
        them. `on_progress(done, total)` is called after each slice with the jobs looked at; if it returns False, the
        verb ends there.
        """
        chosen = Filter(bid=await self._bids())
        return await send_all_back(self.config, chosen, dry_run=dry_run, on_progress=on_progress)

    async def _bids(self) -> list[str]:
        bids: list[str] = []
        following = self._walk()
        while (some := await following()) is not None:
            bids += [status.bid for status in some]
        return bids

    async def _each(
        self, act: Callable[..., Awaitable[object]], *, dry_run: bool, on_progress: Progress | None
    ) -> int:
        # All are found before the first is acted on: what acts takes some out of the list.
        bids = await self._bids()
        for start in range(0, len(bids), batches.PAGE):
            some = bids[start : start + batches.PAGE]
            if not dry_run:
                await act(*some)
            done = start + len(some)
            if on_progress is not None and on_progress(done, len(bids)) is False:
                return done
        return len(bids)

    def where(self, *, tag: str | None = None, state: State | None = None) -> Self:
        """Return the batches that have this tag, and are in this state. Costs nothing until they are used.

        Args:
            tag: one of their tags.
            state: "running", "success", "dead", "finished" or "invalid"; see `BatchStatus.state`.
        """
        return self._chosen(tag, state)


class BatchSet(_BatchSet[BatchStatus], SyncCollection[BatchStatus]):
    _status = BatchStatus


class AsyncBatchSet(_BatchSet[AsyncBatchStatus], AsyncIterable[AsyncBatchStatus]):
    _status = AsyncBatchStatus
