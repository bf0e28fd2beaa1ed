"""All batches, the newest first, and those that have a tag or are in a state."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, get_args

from teep.api.base import Api, AsyncIterable, Page, SyncCollection, page_start
from teep.api.batches.fields import State
from teep.api.batches.plans import send_all_back
from teep.api.batches.status import AsyncBatchStatus, BatchStatus, _BatchStatus
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Progress
from teep.client import AsyncClient, Client
from teep.clock import monotonic
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import InvalidType, InvalidValue
from teep.store import batches
from teep.store.batches import is_ours
from teep.wire.command import Plan

B = TypeVar("B", bound=_BatchStatus)

_STATES = tuple(state for state in get_args(State) if state != "unknown")


class BatchSearch(NamedTuple, Generic[B]):
    """What a search through the batches found.

    `looked_at` is how many of the `total` it has passed, those before its start included; `next` where another search
    goes on, None if it has come to the end.
    """

    items: list[B]
    total: int
    looked_at: int
    next: int | None


class _BatchSet(Api, Generic[B]):
    """The batches, the newest first. Those that are forgotten drop out of it as they are met."""

    _status: ClassVar[Callable[..., Any]]
    _tag: str | None = None
    _state: State | None = None

    def __init__(self, *, config: Config | None = None, client: Client | AsyncClient | None = None) -> None:
        super().__init__(config=config, client=client)

    @operation
    async def size(self) -> int:
        """Return how many there are: of all, one O(1) command; of some, a look at each."""
        if self._tag is None and self._state is None:
            return await batches.size()
        count, following = 0, self._walk()
        while (some := await following()) is not None:
            count += len(some)
        return count

    @operation
    async def get(self, bid: str) -> B | None:
        """Return the batch with this bid, or None. One round trip."""
        found = await batches.read(bid) if is_ours(bid) else []
        return self._made(found[0]) if found else None

    @operation
    async def page(self, number: int = 1, size: int = 25) -> Page[B]:
        """Return a page of all batches, the newest first. Three round trips."""
        number, start = page_start(number, size)
        bids, there = await batches.page(start, size)
        await batches.sweep(bids, there)
        return Page([self._made(record) for record in there], await batches.size(), number)

    @operation
    async def search(self, start: int = 0, size: int = 25, seconds: float = 0.15) -> BatchSearch[B]:
        """Return up to `size` of those that `where` chose, the newest first, from a place of the list on.

        It ends after `seconds`, and tells where another one goes on. Two round trips a hundred batches.
        """
        found: list[B] = []
        until = monotonic() + seconds
        while True:
            bids, there = await batches.page(start)
            await batches.sweep(bids, there)
            for status in map(self._made, there):
                start += 1
                found += [status] if self._fits(status) else []
                if len(found) == size:
                    break
            total = await batches.size()
            if not bids or start >= total or len(found) == size or monotonic() >= until:
                return BatchSearch(found, total, min(start, total), start if bids and start < total else None)

    @operation
    async def invalidate_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Have workers skip the jobs of each batch from now on, within a second; returns how many batches.

        Takes a round trip a hundred batches. `dry_run=True` only counts them, and `on_progress(done, total)` is
        called after each hundred.
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
        them, and `on_progress(done, total)` is called after each slice with the jobs looked at.
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
            if on_progress is not None:
                on_progress(start + len(some), len(bids))
        return len(bids)

    def where(self, *, tag: str | None = None, state: State | None = None) -> Self:
        """Return the batches that have this tag, and are in this state. Costs nothing until they are used.

        Args:
            tag: one of their tags.
            state: "running", "success", "dead", "finished" or "invalid"; see `BatchStatus.state`.
        """
        if tag is not None and not isinstance(tag, str):
            raise InvalidType(f"tag must be a string, not {tag!r}")
        if state is not None and state not in _STATES:
            raise InvalidValue(f"state must be one of {', '.join(_STATES)}, not {state!r}")
        chosen = type(self)(config=self.config)
        chosen._tag, chosen._state = tag or self._tag, state or self._state  # noqa: SLF001 - its own kind
        return chosen

    def _made(self, record: batches.Record) -> B:
        made: B = self._status(record.bid, record, config=self.config)
        return made

    def _fits(self, status: B) -> bool:
        return (self._tag is None or self._tag in status.tags) and self._state in (None, status.state)

    def _walk(self) -> Callable[[], Plan[list[B] | None]]:
        start = 0

        async def following() -> list[B] | None:
            nonlocal start
            bids, there = await batches.page(start)
            if not bids:
                return None
            start += len(bids) - await batches.sweep(bids, there)
            return [status for status in map(self._made, there) if self._fits(status)]

        return following


class BatchSet(_BatchSet[BatchStatus], SyncCollection[BatchStatus]):
    _status = BatchStatus


class AsyncBatchSet(_BatchSet[AsyncBatchStatus], AsyncIterable[AsyncBatchStatus]):
    _status = AsyncBatchStatus
