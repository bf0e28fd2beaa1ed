"""Measures how soon an idle system runs a job, and its cost while there is none.

1. The system is started, and gets a job every 20 ms, pushed one by one with its own client; for all that read
   Sidekiq's format that is a bare LPUSH, so that they are compared by the worker alone.
2. From the moment before the push to the moment at which the job runs, by the clock that both processes share.
   The first tenth warms up and is left out.
3. Then it is left alone, and after two seconds of rest its CPU, and its Redis commands, are counted for ten.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import ClassVar

from bench.errors import BenchError
from bench.figures import durations
from bench.measure import Column, Goal, Measure, Reading
from bench.process import Process
from bench.registry import SPECIAL_NAMES
from bench.server import Server
from bench.system import System
from bench.visit import LOOK_SECONDS, Progress, Visit, visiting

_PAUSE = 0.02
_REST_SECONDS = 2.0
_PATIENCE = 30.0
_WITHOUT = ("floor-threads", "floor-batch", "ruby-sidekiq-info", "teep-info", "teep-x2", *SPECIAL_NAMES)


class Pickup(Measure):
    title = "A single job for an idle process"
    lead = """\
From the push of one job to its run in a process with nothing else to do. Then the cost of a process with nothing to
do at all: CPU in per cent of a core, Redis commands a second. Last, the most memory that the process has held, and
it and its children together."""
    columns = (
        Column("p50", "p50", durations, compared=True),
        Column("p99", "p99", durations, compared=True),
        Column("cpu", "idle CPU %"),
        Column("commands", "idle commands/s"),
        Column("rss", "peak MiB"),
        Column("rss_of_all", "with children"),
    )
    baselines = (("floor-brpop", "x brpop"),)
    goals: ClassVar[Sequence[Goal]] = (
        Goal("p50, x a bare BRPOP", 1.3, key="p50", beside=("floor-brpop",), at_most=True),
        Goal("p99, x a bare BRPOP", 2, key="p99", beside=("floor-brpop",), at_most=True),
        Goal("idle CPU, % of a core", 0.5, key="cpu", at_most=True),
        Goal("peak MiB of the worker", 40, key="rss", at_most=True),
    )

    def __init__(self, pushes: int, idle_seconds: float) -> None:
        self._pushes = pushes
        self._idle_seconds = idle_seconds
        self.notes = [
            f"{pushes} jobs a visit, one every {_PAUSE * 1000:.0f} ms; idle for {idle_seconds:.0f} s.",
            "Peers push with their own client, whose time is included; the others with a bare LPUSH.",
        ]

    def suits(self, system: System) -> bool:
        return system.name not in _WITHOUT

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        numbers = range(self._pushes + self._pushes // 10)
        with visiting(system, server, len(numbers), directory, progress) as visit, visit.running() as process:
            latencies = sorted(_latencies(visit, process, numbers)[-self._pushes :])
            percentiles = quantiles(latencies, n=100, method="inclusive")
            return {"p50": percentiles[49], "p99": percentiles[98], **self._idle(visit, process)}

    def _idle(self, visit: Visit, process: Process) -> Reading:
        time.sleep(_REST_SECONDS)
        usage, cpu = visit.server.usage(), process.cpu_seconds()
        time.sleep(self._idle_seconds)
        cpu, usage = process.cpu_seconds() - cpu, visit.server.usage() - usage
        process.check_alive()
        return {
            "cpu": cpu / self._idle_seconds * 100,
            # Less the INFO that counts them.
            "commands": (usage.commands - 1) / self._idle_seconds,
            "rss": process.peak_rss(alone=True) / 2**20,
            "rss_of_all": process.peak_rss() / 2**20,
        }


def _latencies(visit: Visit, process: Process, numbers: range) -> list[float]:
    """In seconds, in the order of the pushes."""
    _await_first(visit, process)
    pushed = visit.system.push_singly(visit.server.url, visit.marks, "stamp", numbers, _PAUSE)
    deadline = time.monotonic() + _PATIENCE
    while not all(moments := visit.marks.moments()):
        process.check_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"{moments.count(0)} jobs have not run:\n{process.log_tail()}")
        time.sleep(LOOK_SECONDS)
    return [(run - push) / 1e9 for push, run in zip(pushed, moments, strict=True)]


def _await_first(visit: Visit, process: Process) -> None:
    """The process is up when it has run a job; its trace is then wiped away."""
    visit.push("noop", range(1))
    visit.wait_done(process, range(1))
    visit.settle(process)
    visit.marks.clear()
