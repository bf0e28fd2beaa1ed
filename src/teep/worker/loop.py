"""The event loop for `async def` jobs, in a thread of its own.

No user code on it can hold up the fetcher or the heartbeat, which are on other threads.
"""

import asyncio
import inspect
import itertools
import threading
from collections.abc import Callable

from teep.config import close_async_drivers
from teep.telling import Logger
from teep.worker import identity, stacks
from teep.worker.fetcher import Fetcher
from teep.worker.processor import Processor
from teep.worker.reserved import Reserved

logger = Logger("teep")


class JobLoop:
    """Runs async jobs. Each comes with one of the capsule's slots, which it passes on or gives back at its end."""

    # Seconds in which a cancelled job may end by itself: none, since a cancellation comes at an await only.
    grace = 0.0

    def __init__(self, fetcher: Fetcher, processor: Processor, on_free: Callable[[], None]) -> None:
        self._fetcher = fetcher
        self._processor = processor
        self._on_free = on_free
        self._loop: asyncio.AbstractEventLoop
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self._run, name="teep-loop", daemon=True)
        self._thread_id = ""

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def submit(self, job: Reserved) -> None:
        """Start a job; from any thread."""
        self._loop.call_soon_threadsafe(self._start, job)

    def cancel_all(self) -> None:
        """Cancel every running job; from any thread."""
        self._loop.call_soon_threadsafe(self._cancel)

    def interrupt(self, thread_id: str, _job: Reserved, _kind: type[BaseException]) -> None:
        """Cancel a job's task, if it still runs; from any thread. Its id is its own, so it hits no other."""
        self._loop.call_soon_threadsafe(self._cancel_one, thread_id)

    def stack(self, thread_id: str) -> str:
        """Return where a job is: what it awaits, or how it holds up the loop; from any thread."""
        task = self._task(thread_id)
        coroutine = None if task is None else task.get_coro()
        if inspect.iscoroutine(coroutine) and coroutine.cr_running and self._thread.ident is not None:
            return stacks.of_thread(self._thread.ident)
        return stacks.of_coroutine(coroutine)

    def stop(self) -> None:
        """End the loop; jobs that are still on it are abandoned."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._thread_id = identity.thread_id()
        self._run_until_stopped()
        if not self._tasks:
            self._loop.run_until_complete(close_async_drivers())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _run_until_stopped(self) -> None:
        while True:
            try:
                return self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # asyncio lets these two through when a task that a job started raises them. The job, if it awaits
                # that task, gets them as well, and the others must go on.
                logger.warning("a task of a job raised SystemExit or KeyboardInterrupt")

    def _start(self, job: Reserved) -> None:
        if self._fetcher.closed.is_set():
            return  # it is back in its queue
        thread_id = f"{self._thread_id}-{next(self._numbers)}"
        run = self._processor.run_async(job, thread_id)
        try:
            task = self._loop.create_task(run, name=thread_id)
        except BaseException as error:  # noqa: BLE001 - of a task factory that a job has set
            run.close()
            self._processor.unstarted(job, error, thread_id)
            self._on_free()
            return
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        following = self._fetcher.take_async()
        if following is not None:
            # The slot stays on the loop: no thread has to wake for the next job.
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
