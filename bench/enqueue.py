"""Measures how many jobs a second a client pushes, one by one and in bulk, while no worker runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.errors import BenchError
from bench.figures import spread
from bench.measure import Column, Goal, Measure, Reading
from bench.server import Server
from bench.system import System
from bench.visit import Progress, visiting


class Enqueue(Measure):
    title = "Jobs pushed a second"
    lead = "By one client with nothing else to do: one job a call, and in bulk in the way that the library offers."
    columns = (Column("one", "one by one", spread, compared=True), Column("bulk", "in bulk", spread, compared=True))
    baselines = (("floor-brpop", "x LPUSH"),)
    goals: ClassVar[Sequence[Goal]] = (
        Goal("one by one, of a bare LPUSH", 0.7, key="one", beside=("floor-brpop",)),
        Goal("in bulk, of a bare LPUSH", 0.45, key="bulk", beside=("floor-brpop",)),
    )

    def __init__(self, jobs: int) -> None:
        self._one, self._bulk = jobs // 5, jobs
        self.notes = [
            f"{self._one:,} jobs one by one, {self._bulk:,} in bulk.",
            "floor-brpop stands for a bare LPUSH on a raw connection. Ruby's client is in the table of the data API.",
            "Celery, RQ, streaQ and teep have a bulk push. That of the others is a loop, or many pushes at a time.",
        ]

    def suits(self, system: System) -> bool:
        return system.client is not None

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        reading = {}
        for how, jobs in (("one", self._one), ("bulk", self._bulk)):
            with visiting(system, server, jobs, directory, progress) as visit:
                reading[how] = jobs / system.push_seconds(how, server.url, visit.marks, range(jobs))
                if not server.held(system.keys):
                    raise BenchError("its jobs are not in Redis")
        return reading
