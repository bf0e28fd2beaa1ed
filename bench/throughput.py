"""Measures how many no-op jobs a second one process runs, and what each costs.

What is timed, the same for every system:
1. The system starts and runs a warm-up of 2,000 jobs. It is then loaded, compiled where it compiles,
   connected, and idle: the start of a process is not in the figure.
2. The jobs are written to a list where it does not look: nor is the push.
3. One RENAME puts them all into the queue, which wakes a client that blocks on it as a push does. The clock
   starts just before.
4. The clock stops when the last job has marked its number. The marks are looked at every 5 ms, so a run may
   be taken for up to 5 ms longer than it was.
5. The system must then leave no job in Redis, neither queued nor in flight nor failed, and every job must
   have run exactly once; otherwise there is no figure. CPU and Redis counters are read after this, so that
   acknowledgements which come late are paid for, too. A system that prints at every job is refused.
"""

import time
from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchError
from bench.marks import Marks
from bench.measure import Column, Progress, Reading
from bench.process import Process
from bench.server import Server
from bench.system import System

_WARM_UP = 2_000
_LOOK_SECONDS = 0.005
_STALL_SECONDS = 60.0
"""No job has run for so long: the system is taken for dead."""


class Throughput:
    title = "No-op jobs a second of one process"
    lead = "The other columns are what one job costs: CPU of the process and of Redis, Redis commands, bytes sent."
    columns = (
        Column("rate", "jobs/s"),
        Column("cpu", "CPU µs"),
        Column("redis_cpu", "Redis µs"),
        Column("commands", "commands"),
        Column("octets", "bytes"),
        Column("rss", "peak MiB"),
    )

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        marks = Marks(directory / "marks", self.jobs + _WARM_UP)
        try:
            with system.start(server, marks, directory / "log") as process:
                visit = _Visit(system, server, marks, process)
                visit.warm_up(range(self.jobs, self.jobs + _WARM_UP))
                return visit.measure(range(self.jobs), progress)
        finally:
            marks.close()


class _Visit:
    """A running system with the means to watch it."""

    def __init__(self, system: System, server: Server, marks: Marks, process: Process) -> None:
        self._system = system
        self._server = server
        self._marks = marks
        self._process = process

    def warm_up(self, numbers: range) -> None:
        self._system.stage(self._server, numbers)
        self._system.release(self._server)
        self._run_out(numbers, lambda _done: None)
        self._settle()

    def measure(self, numbers: range, progress: Progress) -> Reading:
        self._system.stage(self._server, numbers)
        printed = self._process.log_size()
        usage, cpu = self._server.usage(), self._process.cpu_seconds()
        started = time.perf_counter()
        self._system.release(self._server)
        self._run_out(numbers, progress)
        elapsed = time.perf_counter() - started
        self._settle()
        cpu = self._process.cpu_seconds() - cpu
        usage = self._server.usage() - usage
        jobs = len(numbers)
        self._marks.check()
        self._check_quiet(printed, jobs)
        return {
            "rate": jobs / elapsed,
            "cpu": cpu / jobs * 1e6,
            "redis_cpu": usage.cpu_seconds / jobs * 1e6,
            "commands": usage.commands / jobs,
            "octets": usage.octets / jobs,
            "rss": self._process.peak_rss() / 2**20,
        }

    def _run_out(self, numbers: range, progress: Progress) -> None:
        """Returns as soon as all these jobs have run."""

        def jobs_to_run() -> int:
            done = self._marks.done(numbers)
            progress(done)
            return len(numbers) - done

        self._watch(jobs_to_run, "jobs have not run")

    def _settle(self) -> None:
        """Returns once Redis holds no job."""
        self._watch(lambda: self._system.jobs_left(self._server), "jobs are left in Redis")

    def _check_quiet(self, printed_before: int, jobs: int) -> None:
        """Raises BenchError where every job printed something: that would be what was measured."""
        if self._process.log_size() - printed_before >= jobs:
            raise BenchError(f"it prints while it is measured:\n{self._process.log_tail()}")

    def _watch(self, count: Callable[[], int], complaint: str) -> None:
        """Returns when the count is 0. Raises BenchError where the system ends, or it stays for 60 s."""
        last, since = -1, time.monotonic()
        while left := count():
            self._process.check_alive()
            if left != last:
                last, since = left, time.monotonic()
            elif time.monotonic() - since > _STALL_SECONDS:
                raise BenchError(f"{left} {complaint}:\n{self._process.log_tail()}")
            time.sleep(_LOOK_SECONDS)
