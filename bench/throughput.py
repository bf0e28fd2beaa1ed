"""Measures how many no-op jobs a second one process runs, the cost of each, and how long the start takes.

The steps, the same for every system:
1. Its own client pushes the jobs, and one tenth more, while it does not run.
2. It is started. Until the first job runs: `start`.
3. That tenth is for warming up: loading, connecting, compiling. When it has run, the clock starts and the counters
   are read. So the start of a process is not in the figure.
4. The clock stops when the last job has marked its number. The marks are looked at every 5 ms, so a run may
   be taken for up to 5 ms longer than it was.
5. The system must then leave no job in Redis, neither queued nor in flight nor failed, and every job must
   have run exactly once; otherwise there is no figure. CPU and Redis counters are read after this, so that
   acknowledgements which come late are paid for, too.
6. A system must print as many lines a job as it is said to: printing more would be measured, too.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.errors import BenchError
from bench.figures import spread
from bench.measure import Column, Goal, Measure, Reading
from bench.process import Process
from bench.registry import ASYNC_PEERS, PEERS
from bench.server import Server, Usage
from bench.system import System
from bench.visit import Progress, Visit, visiting

_WARM_UP = 0.1
_LEAST = 200
_FLOOR_NOTE = """\
floor-threads: ten threads on one bare connection; one that runs dry acknowledges for all (an LREM a job, in order),
  counts, and reserves the next 1,000, in one script."""


class Throughput(Measure):
    title = "No-op jobs a second of one process"
    lead = """\
`-c 10`, warnings only (`-info`: two lines a job). The columns after the ratios are the cost of one job: CPU of the
process and of Redis, Redis commands, bytes sent; then the most memory held, and the time from the start of the
process to its first job."""
    columns = (
        Column("rate", "jobs/s", spread, compared=True),
        Column("cpu", "CPU µs"),
        Column("redis_cpu", "Redis µs"),
        Column("commands", "commands"),
        Column("octets", "bytes"),
        Column("rss", "peak MiB"),
        Column("start", "start s"),
    )
    baselines = (("floor-threads", "x floor"), ("ruby-sidekiq", "x ruby"), ("ruby-sidekiq-yjit", "x yjit"))
    goals: ClassVar[Sequence[Goal]] = (
        Goal("`def` jobs, of the bare loop", 0.5, beside=("floor-threads",)),
        Goal("`def` jobs, x ruby-sidekiq", 8, beside=("ruby-sidekiq",)),
        Goal("`def` jobs, x ruby-sidekiq with YJIT", 5, beside=("ruby-sidekiq-yjit",)),
        Goal("`def` jobs, x the best peer", 12, beside=[peer.name for peer in PEERS]),
        Goal("`async def` jobs, of the bare loop", 0.3, "teep-async", beside=("floor-threads",)),
        Goal("`async def` jobs, x the best async peer", 10, "teep-async", beside=ASYNC_PEERS),
        Goal("with two lines a job, x ruby-sidekiq with its own", 9, "teep-info", beside=("ruby-sidekiq-info",)),
        Goal("two processes, x one", 1.2, "teep-x2", beside=("teep",)),
        Goal("with `unique_for`, x plain", 0.5, "teep-unique", beside=("teep",)),
        Goal("with `encrypt`, x plain", 0.5, "teep-encrypted", beside=("teep",)),
        Goal("with a `limit` that is never reached, x plain", 0.25, "teep-limited", beside=("teep",)),
        Goal("with a concurrent one, x plain", 0.25, "teep-held", beside=("teep",)),
        Goal("in a batch, x plain", 0.5, "teep-batch", beside=("teep",)),
        Goal("iterable jobs of one item, x plain", 0.1, "teep-iterable", beside=("teep",)),
    )

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        fewer = ", ".join(f"{system.name} {self._count(system):,}" for system in PEERS)
        self.notes = [
            f"{jobs:,} jobs a visit; of peers as many as take a few seconds: {fewer}.",
            _FLOOR_NOTE,
            "floor-batch: the same with one thread. floor-brpop: BRPOP one by one, at most once.",
            "teep-x2: two processes, and the costs of both.",
            "teep-unique, -encrypted, -iterable: jobs that ask for that; an iterable one has one item, of a tenth.",
            "teep-batch: all are of one batch, a set of members.",
            "teep-limited, -held: no-op jobs under a `limit` that is never reached, a leaky and a concurrent one.",
        ]

    def _count(self, system: System) -> int:
        return max(_LEAST, int(self._jobs * system.share))

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        jobs = self._count(system)
        warm_up = max(1, int(jobs * _WARM_UP))
        with visiting(system, server, jobs + warm_up, directory, progress) as visit:
            visit.push("noop", range(jobs + warm_up))
            return measure_rate(visit, jobs, warm_up)


@dataclass(frozen=True, slots=True)
class _Counters:
    """The counters at a moment."""

    moment: float
    done: int
    printed: int
    cpu_seconds: float
    usage: Usage


def measure_rate(visit: Visit, jobs: int, warm_up: int, concurrency: int = 10) -> Reading:
    """Starts the system on jobs that are pushed already, and measures the last `jobs` of them."""
    numbers = range(jobs + warm_up)
    launch = _Counters(time.monotonic(), 0, 0, 0.0, visit.server.usage())
    with visit.running(concurrency) as process:
        visit.wait_done(process, numbers, 1)
        start = time.monotonic() - launch.moment
        visit.wait_done(process, numbers, warm_up)
        before = _count(visit, process, numbers)
        if before.done == len(numbers):
            # So few jobs that the looks are too far apart: the figure is that of the start, and far too low.
            before = launch
        visit.wait_done(process, numbers)
        elapsed = time.monotonic() - before.moment
        visit.settle(process)
        visit.marks.check()
        after = _count(visit, process, numbers)
        _check_printed(process, before, after, visit.system.lines_a_job)
        return {
            **_costs(before, after),
            "rate": (after.done - before.done) / elapsed,
            "rss": process.peak_rss() / 2**20,
            "start": start,
        }


def _count(visit: Visit, process: Process, numbers: range) -> _Counters:
    printed, cpu_seconds, usage = process.lines_printed(), process.cpu_seconds(), visit.server.usage()
    return _Counters(time.monotonic(), visit.marks.done(numbers), printed, cpu_seconds, usage)


def _costs(before: _Counters, after: _Counters) -> Reading:
    """Return the costs of one job."""
    jobs, usage = after.done - before.done, after.usage - before.usage
    return {
        "cpu": (after.cpu_seconds - before.cpu_seconds) / jobs * 1e6,
        "redis_cpu": usage.cpu_seconds / jobs * 1e6,
        "commands": usage.commands / jobs,
        "octets": usage.octets / jobs,
    }


def _check_printed(process: Process, before: _Counters, after: _Counters, lines_a_job: int) -> None:
    """Raises BenchError if a silent system prints at every job, or one that must print does not."""
    jobs, printed = after.done - before.done, after.printed - before.printed
    if lines_a_job == 0 and printed >= jobs / 2:
        raise BenchError(f"it prints while it is measured:\n{process.log_tail()}")
    if printed < lines_a_job * jobs * 0.9:
        raise BenchError(f"it printed {printed} lines for {jobs} jobs:\n{process.log_tail()}")
