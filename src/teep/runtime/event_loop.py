"""The process's event loop for `async def` jobs, in a thread of its own.

No user code on it can block a fetcher or the heartbeat, which are on other threads. All capsules of a process use
this one, even those of several workers, since an object that jobs share, such as a lock, may belong to one loop only.
The first capsule starts it. The last one ends it, and cancels tasks that jobs have left behind.
"""

import asyncio
import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from teep.clock import monotonic
from teep.runtime import forks, identity
from teep.runtime.eager import Eager
from teep.telling import Logger

T = TypeVar("T")

logger = Logger("teep")

# The least seconds that tasks left behind by jobs get to end after they were cancelled.
_MOMENT = 1.0
# Seconds beyond that until a blocked loop is given up.
_PATIENCE = 0.5


class EventLoop:
    """An event loop that runs from `start` to `stop`, whatever the code on it does."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.capsules = 0
        self._loop = asyncio.new_event_loop()
        self._eager = Eager(self._loop)
        self._thread = threading.Thread(target=self._run, name="teep-loop", daemon=True)
        self._thread_id = ""
        self._numbers = itertools.count(1)
        self._stopping = False
        self._deadline = 0.0

    @property
    def ident(self) -> int:
        """The ident of its thread."""
        return self._thread.ident or 0

    def start(self) -> None:
        self._thread.start()

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a function on the loop; from any thread. Does nothing if the loop has ended."""
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(function, *args)

    def new_thread_id(self) -> str:
        """Return an id for a job that runs as a task, in place of a thread's id."""
        return f"{self._thread_id}-{next(self._numbers)}"

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call a function at the next turn of the loop; from the loop's own thread."""
        self._loop.call_soon(function, *args)

    def start_task(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a task, and run it at once until it first waits; from the loop's own thread.

        If a job has set a task factory, that decides when the task runs.
        """
        if self._loop.get_task_factory() is not None:
            return self._loop.create_task(coroutine, name=name)
        return self._eager.start(coroutine, name)

    def stop(self, deadline: float) -> None:
        """End the loop by `deadline` (monotonic seconds) or a moment later. Tasks that still run are abandoned."""
        self._deadline = max(deadline, monotonic() + _MOMENT)
        self._stopping = True
        self.call(self._loop.stop)
        self._thread.join(self._deadline - monotonic() + _PATIENCE)

    @forks.ends_in_fork
    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._thread_id = identity.thread_id()
        self._run_until(lambda: self._stopping)
        end = self._loop.create_task(self._end())
        end.add_done_callback(lambda _: self._loop.stop())
        self._run_until(end.done)
        self._loop.close()

    def _run_until(self, is_over: Callable[[], bool]) -> None:
        while True:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # asyncio lets these two through if a task that a job started raises them. The job gets them, too, if
                # it awaits that task. Other jobs must go on.
                logger.warning("a task of a job raised SystemExit or KeyboardInterrupt")
            if is_over():
                return
            logger.warning("the code of a job has stopped the event loop; it runs on, since other jobs are on it")

    async def _end(self) -> None:
        """Cancel the remaining tasks, as `asyncio.run` does, and give them a moment to end."""
        told = await self._cancel_tasks()
        for task in told:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                said = {
                    "message": "a task that a job had left behind failed at the stop",
                    "exception": error,
                    "task": task,
                }
                self._loop.call_exception_handler(said)
        if ignorant := sum(not task.done() for task in told):
            logger.warning(
                "%d tasks on the event loop still run after they were cancelled; they are abandoned", ignorant
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._deadline - monotonic(), _PATIENCE / 2)):
                await self._loop.shutdown_asyncgens()

    async def _cancel_tasks(self) -> set[asyncio.Task[Any]]:
        """Cancel all tasks but this one, and those that they start; return them when all have ended or time is up."""
        told: set[asyncio.Task[Any]] = set()
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left - told:
                task.cancel()
            told |= left
            remaining = self._deadline - monotonic()
            if remaining <= 0:
                break
            await asyncio.wait(left, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
        return told


_lock = threading.Lock()
_current: EventLoop | None = None


def _renew_lock() -> None:
    """Make a new lock in a fork, since a thread that is not there may hold the parent's."""
    global _lock  # noqa: PLW0603 - of this module, as the loop is
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def join() -> EventLoop:
    """Return the process's event loop, and start it if necessary; call `leave` when it is no longer needed."""
    global _current  # noqa: PLW0603 - the one of the process
    with _lock:
        if _current is None or _current.pid != os.getpid():  # forked: it is the parent's
            _current = EventLoop()
            _current.start()
        _current.capsules += 1
        return _current


def leave(loop: EventLoop, deadline: float) -> None:
    """Stop using a loop. The last capsule ends it by `deadline` (monotonic seconds) or a moment later."""
    global _current  # noqa: PLW0603 - the one of the process
    with _lock:
        loop.capsules -= 1
        if loop.capsules:
            return
        if _current is loop:
            _current = None
    loop.stop(deadline)
