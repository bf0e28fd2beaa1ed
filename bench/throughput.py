"""Measures how many no-op jobs a second one process runs, what each costs, and how long the start takes.

What is timed, the same for every system:
1. Its own client pushes the jobs, and one tenth more, while it does not run.
2. It is started. Until the first job runs: `start`.
3. That tenth is for warming up: loading, connecting, compiling. When it has run, the clock starts and the counters
   are read. So the start of a process is not in the figure.
4. The clock stops when the last job has marked its number. The marks are looked at every 5 ms, so a run may
   be taken for up to 5 ms longer than it was.
5. The system must then leave no job in Redis, neither queued nor in flight nor failed, and every job must
   have run exactly once; otherwise there is no figure. CPU and Redis counters are read after this, so that
   acknowledgements which come late are paid for, too.
6. A system must print as many lines a job as it is said to: printing would be what is measured.
"""

import time
from pathlib import Path

from bench.errors import BenchError
from bench.measure import Column, Measure, Reading
from bench.process import Process
from bench.registry import OURS, PEERS
from bench.server import Server
from bench.system import System
from bench.visit import Progress, Visit, visiting

_WARM_UP = 0.1
_LEAST = 200


class Throughput(Measure):
    title = "No-op jobs a second of one process"
    lead = """\
`-c 10`, warnings only (`-info`: two lines a job). The columns after the ratios are what one job costs: CPU of the
process and of Redis, Redis commands, bytes sent; then the most memory held, and the time from the start of the
process to its first job."""
    columns = (
        Column("rate", "jobs/s", compared=True),
        Column("cpu", "CPU µs"),
        Column("redis_cpu", "Redis µs"),
        Column("commands", "commands"),
        Column("octets", "bytes"),
        Column("rss", "peak MiB"),
        Column("start", "start s"),
    )
    systems = (*OURS, *PEERS)

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        fewer = ", ".join(f"{system.name} {self._count(system):,}" for system in PEERS)
        self.notes = [
            f"{jobs:,} jobs a visit, but what peers do in a few seconds: {fewer}.",
            "floor-threads: ten threads and one bare connection. The one that runs dry acknowledges for all (an LREM a"
            " job, in order), counts, and reserves the next 1,000, in one script.",
            "floor-batch: the same with one thread. floor-brpop: BRPOP one by one, at most once.",
            "teep-x2: two processes, and the costs of both.",
        ]

    def _count(self, system: System) -> int:
        return max(_LEAST, int(self._jobs * system.share))

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        jobs = self._count(system)
        warm_up = max(1, int(jobs * _WARM_UP))
        with visiting(system, server, jobs + warm_up, directory, progress) as visit:
            visit.push("noop", range(jobs + warm_up))
            return measure_rate(visit, jobs, warm_up)


def measure_rate(visit: Visit, jobs: int, warm_up: int, concurrency: int = 10) -> Reading:
    """Starts the system on jobs that are pushed already, and measures the last `jobs` of them."""
    numbers = range(jobs + warm_up)
    launched = time.monotonic()
    with visit.running(concurrency) as process:
        visit.wait_done(process, numbers, 1)
        start = time.monotonic() - launched
        done = visit.wait_done(process, numbers, warm_up)
        printed = process.lines_printed()
        usage, cpu, began = visit.server.usage(), process.cpu_seconds(), time.monotonic()
        done = visit.marks.done(numbers)
        visit.wait_done(process, numbers)
        elapsed = time.monotonic() - began
        visit.settle(process)
        cpu, usage = process.cpu_seconds() - cpu, visit.server.usage() - usage
        visit.marks.check()
        measured = len(numbers) - done
        _check_printed(process, printed, measured, visit.system.lines_a_job)
        return {
            "rate": measured / elapsed,
            "cpu": cpu / measured * 1e6,
            "redis_cpu": usage.cpu_seconds / measured * 1e6,
            "commands": usage.commands / measured,
            "octets": usage.octets / measured,
            "rss": process.peak_rss() / 2**20,
            "start": start,
        }


def _check_printed(process: Process, before: int, jobs: int, lines_a_job: int) -> None:
    """Raises BenchError where a silent system prints at every job, or one that shall print does not."""
    printed = process.lines_printed() - before
    if lines_a_job == 0 and printed >= jobs / 2:
        raise BenchError(f"it prints while it is measured:\n{process.log_tail()}")
    if printed < lines_a_job * jobs * 0.9:
        raise BenchError(f"it printed {printed} lines for {jobs} jobs:\n{process.log_tail()}")
