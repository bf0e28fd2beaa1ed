"""Measures how long ten jobs are away that ran when their process was killed.

1. Ten jobs start, each of which would take minutes.
2. The process and its children get SIGKILL; the same command is run again at once.
3. The clock stops when ten jobs have started again, or after 90 s.

Everything has its default settings, as for a user that sets nothing.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.figures import durations
from bench.measure import Column, Goal, Measure, Reading
from bench.process import Process
from bench.registry import SPECIAL_NAMES
from bench.server import Server
from bench.system import System
from bench.visit import LOOK_SECONDS, Progress, Visit, visiting

_JOBS = 10
_NAP_MILLISECONDS = 600_000
_WITHOUT = (
    "floor-threads",
    "floor-batch",
    "floor-brpop",
    "ruby-sidekiq-yjit",
    "ruby-sidekiq-info",
    "teep-info",
    "teep-x2",
    *SPECIAL_NAMES,
)


class Recovery(Measure):
    title = "Ten running jobs after SIGKILL"
    lead = "The process is killed and started again at once: how many of its jobs run again, and after how long."
    columns = (Column("jobs", "run again"), Column("seconds", "after", durations))

    goals: ClassVar[Sequence[Goal]] = (
        Goal("jobs that run again", 10, key="jobs"),
        Goal("seconds until the last of them", 2, key="seconds", at_most=True),
    )

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.notes = [
            f"Waited for {patience:.0f} s at most; the time is that of the last job that ran again.",
            "RQ runs one job at a time, so it had one job running.",
        ]

    def suits(self, system: System) -> bool:
        return system.name not in _WITHOUT

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        with visiting(system, server, _JOBS, directory, progress) as visit:
            jobs = 1 if system.name == "rq" else _JOBS
            numbers = range(jobs)
            visit.push("nap", numbers, _NAP_MILLISECONDS)
            victim = system.start(server.url, visit.marks, directory / "log")
            try:
                visit.wait_done(victim, numbers)
            finally:
                victim.kill()
            visit.marks.clear()
            killed = time.monotonic()
            heir = system.start(server.url, visit.marks, directory / "log")
            try:
                return self._watch(visit, heir, numbers, killed)
            finally:
                heir.kill()

    def _watch(self, visit: Visit, heir: Process, numbers: range, killed: float) -> Reading:
        done, last = 0, killed
        while done < len(numbers) and time.monotonic() - killed < self._patience:
            heir.check_alive()
            now = visit.marks.done(numbers)
            if now > done:
                done, last = now, time.monotonic()
            visit.progress((time.monotonic() - killed) / self._patience)
            time.sleep(LOOK_SECONDS)
        return {"jobs": done, "seconds": last - killed} if done else {"jobs": 0}
