"""Workflows: a chain beside jobs each of which pushes the next, and layers with barriers beside Celery's chords."""

import time
from itertools import pairwise
from pathlib import Path

from bench.errors import BenchError
from bench.server import Server
from bench.system import System
from bench.visit import LOOK_SECONDS, Visit, visiting

LAYERED = ("layers", "canvas")
_PATIENCE = 300.0


def measure(system: System, kind: str, size: int, jobs: int, server: Server, directory: Path) -> float:
    """Return the seconds from the start of a flow of this size to the run of the last of its jobs.

    `kind` is "chain", "relay", "layers" or "canvas"; the last two are the same to all but Celery.
    """
    with visiting(system, server, jobs, directory, lambda _: None) as visit, visit.running() as process:
        visit.push("noop", range(1))
        visit.wait_done(process, range(1))
        visit.settle(process)
        visit.marks.clear()
        (began,) = visit.system.push_singly(server.url, visit.marks, f"{kind}-{size}", range(1), 0.0)
        deadline = time.monotonic() + _PATIENCE
        while not all(moments := visit.marks.moments()):
            process.check_alive()
            if time.monotonic() > deadline:
                raise BenchError(
                    f"{system.name}: {moments.count(0)} jobs of {kind} have not run:\n{process.log_tail()}"
                )
            time.sleep(LOOK_SECONDS)
        _check_order(visit, kind, size)
        return (max(moments) - began) / 1e9


def _check_order(visit: Visit, kind: str, size: int) -> None:
    """Raises BenchError if a job ran before one that it had to wait for."""
    moments = visit.marks.moments()
    step = size if kind in LAYERED else 1
    layers = [moments[first : first + step] for first in range(0, len(moments), step)]
    if any(max(before) > min(after) for before, after in pairwise(layers)):
        raise BenchError(f"{visit.system.name}: jobs of {kind} ran out of order")
