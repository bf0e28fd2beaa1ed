"""The event loop for `async def` jobs, in a thread of its own.

No user code on it can hold up the fetcher or the heartbeat, which are on other threads.
"""

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable

from teep.worker import identity
from teep.worker.fetcher import Fetcher
from teep.worker.processor import Processor
from teep.worker.reserved import Reserved

logger = logging.getLogger("teep")


class JobLoop:
    """Runs async jobs. Each comes with one of the capsule's slots, which it passes on or gives back at its end."""

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
        task = self._loop.create_task(self._processor.run_async(job, f"{self._thread_id}-{next(self._numbers)}"))
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
