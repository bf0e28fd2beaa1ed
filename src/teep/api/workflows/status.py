"""A workflow as it is: its nodes, its state, and verbs."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from teep.api.base import Api, AsyncApi, SyncApi
from teep.api.batches import AsyncBatchStatus, BatchStatus
from teep.api.batches.fields import Fields
from teep.api.batches.plans import send_back, wait_for
from teep.api.batches.status import _BatchStatus
from teep.api.jobs.selection.filters import Filter
from teep.api.results import AsyncResult, Result, _Result
from teep.api.workflows.nodes import Nodes, NodeStatus
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import InvalidValue, NotHere
from teep.store import workflows
from teep.store.batches import Event, Record, is_ours
from teep.wire import keys

B = TypeVar("B", bound=_BatchStatus)
R = TypeVar("R", bound=_Result)

WorkflowState = Literal["running", "success", "failed", "cancelled", "unknown"]


class _Fields(Fields):
    """A workflow as a batch, without a look at Redis."""

    def __init__(self, bid: str, record: Record | None) -> None:
        self.bid, self._record = bid, record


class _WorkflowStatus(Api, Generic[B, R]):
    """A workflow as it was when this was made, or when `refresh` was called last.

    It is a batch, too: `batch` has its description, tags, times and callbacks.
    """

    _batch_status: ClassVar[Callable[..., Any]]
    _result: ClassVar[Callable[..., Any]]

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
            raise InvalidValue(f"a workflow has a bid of 24 hex digits, such as Workflow().bid, not {bid!r:.100}")
        self.bid = bid
        self._record = record
        self._nodes: Nodes | None = None

    async def _read(self) -> None:
        graph = await workflows.read(self.bid)
        self._record = None if graph is None else graph.record
        self._nodes = Nodes(graph)

    @property
    def batch(self) -> B:
        """The same as a batch: its numbers, tags, times, callbacks, child batches."""
        status: B = self._batch_status(self.bid, self._record, config=self.config)
        return status

    @property
    def name(self) -> str:
        """Its name, "" if it was made without one."""
        return "" if self._record is None else self._record.fields.get("workflow", b"").decode(errors="replace")

    @property
    def tags(self) -> list[str]:
        return self._fields.tags

    @property
    def state(self) -> WorkflowState:
        """Its state: "running", "success", "failed" (nothing of it goes on by itself), "cancelled".

        "unknown" is one that is not in Redis, or not any more.
        """
        if self._record is None:
            return "unknown"
        fields, sizes = self._fields, self._record.sizes
        if fields.fired_at("success") is not None:
            return "success"
        if fields.invalid:
            return "cancelled"
        is_over = fields.finished_at is not None and sizes.pending == sizes.dead and not sizes.children
        return "failed" if is_over else "running"

    @property
    def progress(self) -> float:
        """Which part of its nodes is over, whatever became of them: 1.0 if all are."""
        return self._fields.progress

    @property
    def nodes(self) -> list[NodeStatus]:
        """Its nodes, in the order in which they were added."""
        return list(self._known.values())

    @property
    def groups(self) -> dict[str, list[str]]:
        """The names of its groups, each with those of its nodes."""
        return dict(self._known.groups)

    def node(self, name: str) -> NodeStatus:
        """Return the node with this name.

        Raises:
            InvalidValue: there is none.
        """
        return self._known.found(name)

    def result(self, name: str) -> R:
        """Return what a node's job returned, as `teep.result` does for its jid; the job must have `keep_result`.

        Raises:
            InvalidValue: there is no such node.
        """
        made: R = self._result(self.node(name).jid, config=self.config)
        return made

    @operation
    async def refresh(self) -> None:
        """Read it anew. One round trip, for all its nodes."""
        await self._read()

    @operation
    async def wait(self, timeout: float | timedelta = 60.0, event: Event = "finish") -> bool:  # noqa: ASYNC109 - seconds to wait are no limit of a task
        """Wait until nothing of it goes on, or until another event of it; False if `timeout` (seconds) is over first.

        Looks after 20 ms and then ever less often, up to once a second. The status is read anew at the end.
        """
        has_fired = await wait_for(self.bid, event, timeout)
        await self._read()
        return has_fired

    @operation
    async def cancel(self) -> None:
        """Push no more of its nodes, and skip those that wait in their queues, within a second. One round trip.

        Nodes that run go on. Those that come after others by `when="always"` alone run all the same, as they clean
        up. Callbacks are pushed, but that of "success".
        """
        await workflows.cancel(self.bid)

    @operation
    async def retry(self, name: str) -> bool:
        """Run a node again that failed, was discarded or cancelled; False if that cannot be.

        A dead job is sent back to its queue, a discarded one is pushed anew. Nodes that were cancelled because of it
        wait for it again; one that was cancelled itself does not, as long as the one before it is as it was. A node
        that failed because of a child needs that to be retried. Three round trips, and a walk through the dead set.

        Raises:
            InvalidValue: there is no such node.
        """
        await self._read()
        return bool(await self._retry([self._known.found(name)]))

    @operation
    async def retry_rest(self) -> int:
        """Run all nodes again that failed, were discarded or cancelled; returns how many these are. As `retry`."""
        await self._read()
        return await self._retry(self._known.values())

    async def _retry(self, nodes: Iterable[NodeStatus]) -> int:
        before = {node.name: node.state for node in nodes if node.can_be_retried}
        if not before:
            return 0
        dead = await workflows.retry(self.bid, list(before))
        if dead:
            jids = [self._known[name].jid for name in dead]
            await send_back(self.config, keys.dead(), Filter(bid=self.bid, jids=jids))
        await self._read()
        return sum(name in dead or self._known.found(name).state != state for name, state in before.items())

    @operation
    async def delete(self) -> bool:
        """Forget it; its pushed jobs go on without it, and no other is pushed. False if it was not there."""
        return await workflows.forget(self.bid)

    @property
    def _fields(self) -> Fields:
        return _Fields(self.bid, self._record)

    @property
    def _known(self) -> Nodes:
        if self._nodes is None:
            self._look()
        return Nodes(None) if self._nodes is None else self._nodes

    def _look(self) -> None:
        raise NotHere("a workflow of a WorkflowSet was read without its nodes; await its refresh() first")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bid} {self.name}: {self.state}, {self.progress:.0%}>"


class WorkflowStatus(_WorkflowStatus[BatchStatus, Result], SyncApi):
    _batch_status = BatchStatus
    _result = Result

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


class AsyncWorkflowStatus(_WorkflowStatus[AsyncBatchStatus, AsyncResult], AsyncApi):
    _batch_status = AsyncBatchStatus
    _result = AsyncResult

    @classmethod
    async def fetch(cls, bid: str, *, config: Config | None = None, client: AsyncClient | None = None) -> Self:
        """Return a workflow as it is now. One round trip."""
        status = cls(bid, config=config, client=client)
        await status._run(status._read())
        return status
