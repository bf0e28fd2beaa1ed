"""The `async def` jobs of a capsule, on the process's event loop."""

import asyncio
import inspect
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context

from teep.clock import monotonic
from teep.runtime import event_loop
from teep.runtime.event_loop import EventLoop
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.halting import stacks
from teep.worker.run.processor import Processor

# Seconds for which a slot runs jobs that never wait one after another, until the loop attends to other tasks.
_TURN = 0.0001


class JobLoop:
    """Runs async jobs. Each comes with one of the capsule's slots, which it passes on or gives back at its end.

    `following` returns the next job for the slot, or None.
    """

    # Seconds in which a cancelled job may end by itself: none, since a cancellation comes only at an await.
    grace = 0.0

    def __init__(
        self,
        fetcher: Fetcher,
        processor: Processor,
        on_free: Callable[[], None],
        following: Callable[[], UnitOfWork | None],
    ) -> None:
        self._fetcher = fetcher
        self._processor = processor
        self._following = following
        self._on_free = on_free
        self._loop: EventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._submitted: deque[tuple[UnitOfWork, Context]] = deque()
        self._is_told = False
        self._starting = ""  # the id of the job that does its first step

    def start(self) -> None:
        self._loop = event_loop.join()

    def submit(self, job: UnitOfWork) -> None:
        """Start a job; from any thread. Several jobs wake the loop only once."""
        self._submitted.append((job, copy_context()))
        if not self._is_told:
            self._is_told = True
            self._call(self._start_submitted)

    def cancel_all(self) -> None:
        """Cancel every running job; from any thread."""
        self._call(self._cancel)

    def interrupt(self, thread_id: str, _job: UnitOfWork, _kind: type[BaseException]) -> None:
        """Cancel a job's task, if it still runs; from any thread. The id is unique, so no other job is cancelled."""
        self._call(self._cancel_one, thread_id)

    def stack(self, thread_id: str) -> str:
        """Return a job's stack, whether it awaits something or blocks the loop; from any thread."""
        if thread_id == self._starting and self._loop is not None:
            return stacks.of_thread(self._loop.ident)  # in its first step, it has no task yet
        task = self._task(thread_id)
        coroutine = None if task is None else task.get_coro()
        if inspect.iscoroutine(coroutine) and coroutine.cr_running and self._loop is not None:
            return stacks.of_thread(self._loop.ident)
        return stacks.of_coroutine(coroutine)

    def stop(self, deadline: float) -> None:
        """Leave the loop. After its last capsule, it ends by `deadline` (monotonic seconds) or a moment later."""
        loop, self._loop = self._loop, None
        if loop is not None:
            event_loop.leave(loop, deadline)

    def _call(self, function: Callable[..., object], *args: object) -> None:
        if self._loop is not None:
            self._loop.call(function, *args)

    def _start_submitted(self) -> None:
        self._is_told = False  # first, so that a job that comes from now on wakes the loop again
        while self._submitted:
            job, context = self._submitted.popleft()
            context.run(self._start, job)

    def _start(self, job: UnitOfWork) -> None:
        """Start a job, and then further ones in its slot, until one waits or it is the loop's turn."""
        turn_ends = monotonic() + _TURN
        following: UnitOfWork | None = job
        while following is not None:
            if self._loop is None or self._fetcher.closed.is_set():
                return  # it is back in its queue
            task = self._task_of(following, self._loop)
            if task is not None and not task.done():
                self._tasks.add(task)
                task.add_done_callback(self._ended)
                return
            if monotonic() >= turn_ends:
                self._loop.call_soon(self._follow)
                return
            following = self._following()
        self._on_free()

    def _task_of(self, job: UnitOfWork, loop: EventLoop) -> asyncio.Task[None] | None:
        """Return the task that runs a job, or None if it could not be started and has ended."""
        thread_id = self._starting = loop.new_thread_id()
        run = self._processor.run_async(job, thread_id)
        try:
            return loop.start_task(run, thread_id)
        except BaseException as error:  # noqa: BLE001 - of a task factory that a job has set
            run.close()
            self._processor.unstarted(job, error, thread_id)
            return None
        finally:
            self._starting = ""

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._follow()

    def _follow(self) -> None:
        """Pass a slot on. While there are jobs it stays on the loop, so no thread has to wake for the next one."""
        following = self._following()
        if following is not None:
            self._start(following)
        else:
            self._on_free()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _cancel_one(self, thread_id: str) -> None:
        task = self._task(thread_id)
        if task is not None:
            task.cancel()

    def _task(self, thread_id: str) -> asyncio.Task[None] | None:
        return next((task for task in self._tasks.copy() if task.get_name() == thread_id), None)
