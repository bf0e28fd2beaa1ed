"""All batches, the newest first, and those that have a tag or are in a state."""

from collections.abc import Sequence
from typing import ClassVar, Self, TypeVar, get_args

from teep.api.base import AsyncIterable, SyncCollection
from teep.api.batches.fields import State
from teep.api.batches.listing import Statuses, Store
from teep.api.batches.status import AsyncBatchStatus, BatchStatus, _BatchStatus
from teep.store import batches

B = TypeVar("B", bound=_BatchStatus)


class _BatchSet(Statuses[B]):
    """The batches, the newest first. Those that are forgotten drop out of it as they are met."""

    _store: ClassVar[Store] = batches
    _states: ClassVar[Sequence[str]] = tuple(state for state in get_args(State) if state != "unknown")

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
