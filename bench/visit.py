"""One visit to one system: its process, its marks, and waiting for its jobs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.marks import Marks
from bench.process import Process
from bench.server import Server
from bench.system import System

LOOK_SECONDS = 0.005
_STALL_SECONDS = 60.0
"""Seconds without a job after which the system is taken for dead."""

Progress = Callable[[float], None]
"""Told now and then which part of the visit is over, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A system on an empty Redis, with marks for `jobs` jobs.

    `url` is the address at which the system finds Redis, perhaps not the server's own. `directory` is empty and the
    visit's own.
    """

    system: System
    server: Server
    marks: Marks
    directory: Path
    progress: Progress
    url: str

    @contextmanager
    def running(self, concurrency: int = 10) -> Iterator[Process]:
        """The system, from its start to its end by SIGTERM."""
        with self.system.start(self.url, self.marks, self.directory / "log", concurrency) as process:
            yield process

    def push(self, job: str, numbers: range, *args: int) -> None:
        """Pushes to the server itself: a proxy that slows the system down does not slow this down."""
        self.system.push(self.server.url, self.marks, job, numbers, *args)

    def wait_done(self, process: Process, numbers: range, least: int | None = None) -> int:
        """Returns how many of these jobs have run, as soon as it is `least`, or all."""
        wanted = len(numbers) if least is None else least

        def jobs_to_run() -> int:
            done = self.marks.done(numbers)
            self.progress(done / len(numbers))
            return max(0, wanted - done)

        self._watch(process, jobs_to_run, "jobs have not run")
        return self.marks.done(numbers)

    def settle(self, process: Process) -> None:
        """Returns once Redis holds no job, neither queued nor in flight nor failed."""
        self._watch(process, lambda: self.server.held(self.system.keys), "jobs are left in Redis")

    def _watch(self, process: Process, count: Callable[[], int], complaint: str) -> None:
        """Returns when the count is 0. Raises BenchError if the system ends, or the count stays the same for 60 s."""
        last, since = -1, time.monotonic()
        while left := count():
            process.check_alive()
            if left != last:
                last, since = left, time.monotonic()
            elif time.monotonic() - since > _STALL_SECONDS:
                raise BenchError(f"{left} {complaint}:\n{process.log_tail()}")
            time.sleep(LOOK_SECONDS)


@contextmanager
def visiting(
    system: System, server: Server, jobs: int, directory: Path, progress: Progress, url: str | None = None
) -> Iterator[Visit]:
    """A visit with marks for `jobs` jobs, on a Redis that is emptied first."""
    server.client.flushall()
    marks = Marks(directory / "marks", jobs)
    try:
        yield Visit(system, server, marks, directory, progress, url or server.url)
    finally:
        marks.close()
