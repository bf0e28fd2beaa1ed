"""All workflows, the newest first, and those that have a tag or are in a state."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeVar, get_args

from teep.api.base import AsyncIterable, SyncCollection
from teep.api.batches.listing import Statuses
from teep.api.workflows.status import AsyncWorkflowStatus, WorkflowState, WorkflowStatus, _WorkflowStatus
from teep.store import workflows
from teep.store.batches import Listing, Record

W = TypeVar("W", bound=_WorkflowStatus[Any, Any])


class _WorkflowSet(Statuses[W]):
    """The workflows, the newest first. Those that are forgotten drop out of it as they are met.

    Each is read without its nodes, which take a round trip of their own.
    """

    _store: ClassVar[Listing] = workflows
    _states: ClassVar[Sequence[str]] = tuple(state for state in get_args(WorkflowState) if state != "unknown")

    def where(self, *, tag: str | None = None, state: WorkflowState | None = None) -> Self:
        """Return the workflows that have this tag, and are in this state. Costs nothing until they are used.

        Args:
            tag: one of their tags.
            state: "running", "success", "failed" or "cancelled"; see `WorkflowStatus.state`.
        """
        return self._chosen(tag, state)

    def _is_one(self, record: Record) -> bool:
        return "workflow" in record.fields


class WorkflowSet(_WorkflowSet[WorkflowStatus], SyncCollection[WorkflowStatus]):
    _status = WorkflowStatus


class AsyncWorkflowSet(_WorkflowSet[AsyncWorkflowStatus], AsyncIterable[AsyncWorkflowStatus]):
    _status = AsyncWorkflowStatus
