"""The context of a running job: its own payload, and whether it should end."""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from teep.config import Config
from teep.errors import InvalidType, InvalidValue, NotHere
from teep.store.batches import CALLBACK_OF, FIELD, NODE, is_ours
from teep.store.processes import Reported
from teep.store.running.iteration import IterationState

if TYPE_CHECKING:
    from teep.client.batches import Batch
    from teep.client.workflows import Workflow


class Run(Protocol):
    """A job's run as the worker knows it. `queue` and `raw`: where it was taken from, and its exact bytes there."""

    queue: str
    raw: bytes

    @property
    def is_cancelled(self) -> bool: ...

    @property
    def is_timed_out(self) -> bool: ...

    @property
    def comes_again(self) -> bool | None: ...

    @property
    def place(self) -> IterationState | None:
        """Where an iterable job is to begin; None if that was not read when the job was reserved."""

    def put_back(self) -> None:
        """Have the job returned to the end of its queue when it returns, since it is not done."""

    def report(self, progress: Reported) -> None:
        """Note how far the job is."""

    def end_for_good(self) -> None:
        """Have the saved place of an iterable job removed when the job is acknowledged."""


class Runtime(Protocol):
    """The worker that runs a job, as the job sees it.

    `config` and `identity` are the worker's; `state` is what `Config.lifespan` has yielded in this process.
    """

    @property
    def config(self) -> Config: ...

    @property
    def identity(self) -> str: ...

    @property
    def state(self) -> Any:
        """What the lifespan of its process has yielded; None without one."""

    @property
    def is_stopping(self) -> bool:
        """Whether the worker takes no more jobs, and waits for the running ones to end."""
        ...

    def has_progress(self) -> None:
        """Have the progress of running jobs written soon."""


class JobContext:
    """The job that runs now.

    `jid`, `queue`, `tags` and `payload` are those of its payload; `attempt` is 1 at the first run.
    `run` is for teep itself: the run as the worker knows it, None outside of one.
    """

    __slots__ = ("payload", "run")

    def __init__(self, payload: Mapping[str, Any], run: Run | None = None) -> None:
        self.payload = payload
        self.run = run

    @property
    def cancelled(self) -> bool:
        """Whether someone has cancelled this job; a loop that looks can end where it suits it. Costs nothing.

        A stop of the process is not a cancellation and does not show here. A job that ended early because of one
        would count as done, while a job that the stop interrupts runs again elsewhere.
        """
        return self.run is not None and self.run.is_cancelled

    @property
    def timed_out(self) -> bool:
        """Whether this run has been told that its `timeout` is up. Costs nothing."""
        return self.run is not None and self.run.is_timed_out

    @property
    def comes_again(self) -> bool:
        """Whether this run has ended before its job was done, and goes on in another, as iterable jobs do."""
        return self.run is not None and bool(self.run.comes_again)

    def progress(self, done: float, note: str = "") -> None:
        """Tell how far this run is: `progress(0.4, "rows")`. Shown by `Work.progress` and the page Busy.

        Costs no more than an assignment, so call it as often as you like: what was told last is written once a
        second. It is gone when the run ends, and does nothing where no worker runs the job, as in tests.

        Args:
            done: the share that is done, from 0 to 1.
            note: a few words, of which 200 characters are kept.

        Raises:
            InvalidType, InvalidValue: `done` is no such share, or `note` no string.
        """
        if isinstance(done, bool) or not isinstance(done, (int, float)):
            raise InvalidType(f"progress takes the share that is done, a number from 0 to 1, not {done!r:.200}")
        if not 0 <= done <= 1:
            raise InvalidValue(f"progress takes a share from 0 to 1, such as rows / of_rows, not {done!r:.200}")
        if not isinstance(note, str):
            raise InvalidType(f"the note of a progress must be a string, not {note!r:.200}")
        if self.run is None:
            return
        self.run.report(Reported(float(done), note, time.time()))
        # In a thread of the job's own there is none, and the next heartbeat writes it.
        if (worker := runtime.get()) is not None:
            worker.has_progress()

    @property
    def jid(self) -> str:
        return str(self.payload.get("jid", ""))

    @property
    def queue(self) -> str:
        return str(self.payload.get("queue", "default"))

    @property
    def tags(self) -> list[str]:
        return list(self.payload.get("tags") or ())

    @property
    def tick(self) -> datetime | None:
        """The moment of its schedule that a periodic job runs for, in UTC, however late it runs; else None."""
        tick = self.payload.get("tick")
        return datetime.fromtimestamp(tick, UTC) if isinstance(tick, (int, float)) else None

    @property
    def batch(self) -> "Batch | None":
        """The batch that this job is of, or that it tells of as a callback, to add jobs to; else None.

        `BatchStatus(batch.bid)` tells how far it is. Costs nothing.
        """
        bid = self.payload.get(CALLBACK_OF) or self.payload.get(FIELD)
        if not is_ours(bid):
            return None
        from teep.client.batches import Batch  # noqa: PLC0415 - few programs have any

        worker = runtime.get()
        return Batch(bid, config=None if worker is None else worker.config)

    @property
    def workflow(self) -> "Workflow | None":
        """The workflow that this job is a node of, to add nodes to; else None. Costs nothing.

        Keep it in a variable: each look makes an object, and `start()` starts what was added to the same one.
        As the `parent` of a batch or workflow it has this node be over only when that one is.
        """
        bid, node = self.payload.get(FIELD), self.payload.get(NODE)
        if not is_ours(bid) or node is None:
            return None
        from teep.client.workflows import Workflow  # noqa: PLC0415 - as above

        worker = runtime.get()
        workflow = Workflow(bid=bid, config=None if worker is None else worker.config)
        workflow.node = node
        return workflow

    @property
    def attempt(self) -> int:
        count = self.payload.get("retry_count")
        # 0 after the first failure; -1 if someone sent it back from the retry set.
        return 1 if count is None else int(count) + 2

    def __repr__(self) -> str:
        return f"JobContext(jid={self.jid!r}, queue={self.queue!r}, attempt={self.attempt})"


# The function that makes the context of the job that runs here, as few jobs ask for theirs.
running: ContextVar[Callable[[], JobContext] | None] = ContextVar("teep_job", default=None)

# Set once by each thread that runs jobs, and so by the tasks that it starts: no job pays for it.
runtime: ContextVar[Runtime | None] = ContextVar("teep_runtime", default=None)


def current_job() -> JobContext | None:
    """Return the job that runs in this thread or task, or None outside of one."""
    context = running.get()
    return None if context is None else context()


def current_worker() -> Runtime:
    """Return the worker that runs the job of this thread or task. Costs nothing.

    Raises:
        NotHere: no worker does, as in a test without one, or in a thread that a job has started.
    """
    worker = runtime.get()
    if worker is None:
        raise NotHere(
            "no worker runs this code; a test gives a job something else by teep.testing.override of a factory that"
            " asks the worker, and a thread of a job's own gets what it needs from the job"
        )
    return worker
