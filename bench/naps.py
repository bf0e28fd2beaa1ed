"""Measures how near a system comes to the ideal with jobs that take their time: concurrency / duration, a second."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.measure import Column, Goal, Measure, Reading
from bench.registry import SPECIAL_NAMES
from bench.server import Server
from bench.system import System
from bench.throughput import measure_rate
from bench.visit import Progress, visiting

_CASES = ((1, 10), (1, 100), (100, 10), (100, 100))
"""Milliseconds that a job sleeps, and the concurrency."""
_SECONDS = 3.0
_WITHOUT = (
    "floor-threads",
    "floor-batch",
    "floor-brpop",
    "ruby-sidekiq-info",
    "teep-info",
    "teep-x2",
    "rq",
    *SPECIAL_NAMES,
)


class Naps(Measure):
    title = "Jobs that take 1 ms and 100 ms"
    lead = "Jobs a second, and in per cent of the most that the concurrency allows, at 10 and at 100 jobs at a time."
    columns = tuple(
        column
        for milliseconds, concurrency in _CASES
        for column in (
            Column(f"{milliseconds}/{concurrency}", f"{milliseconds} ms, {concurrency}"),
            Column(f"{milliseconds}/{concurrency}/ideal", "%"),
        )
    )

    goals: ClassVar[Sequence[Goal]] = (Goal("100 ms, 100 at a time: % of the ideal", 95, key="100/100/ideal"),)

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.notes = [
            "A sleeping job holds neither the interpreter nor a core. RQ runs one job at a time, so it has no row."
        ]

    def suits(self, system: System) -> bool:
        return system.name not in _WITHOUT

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        reading = {}
        for milliseconds, concurrency in _CASES:
            ideal = concurrency / milliseconds * 1000
            jobs = _whole_rounds(min(ideal * _SECONDS, 30_000 * system.share) * self._scale, concurrency)
            warm_up = max(concurrency, _whole_rounds(jobs * 0.2, concurrency))
            with visiting(system, server, jobs + warm_up, directory, progress) as visit:
                visit.push("nap", range(jobs + warm_up), milliseconds)
                rate = measure_rate(visit, jobs, warm_up, concurrency)["rate"]
            reading[f"{milliseconds}/{concurrency}"] = rate
            reading[f"{milliseconds}/{concurrency}/ideal"] = rate / ideal * 100
        return reading


def _whole_rounds(jobs: float, concurrency: int) -> int:
    """Rounds a number of jobs to those that all slots together run in a whole number of turns."""
    return max(1, round(jobs / concurrency)) * concurrency
