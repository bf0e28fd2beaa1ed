"""Measures the clock of periodic jobs: its cost with many entries, and how late its ticks are.

1. The worker is left alone: its CPU without any entry.
2. It gets 10,000 entries that fire once a day, and once it has read them it is left alone again.
3. Twenty entries fire each second beside these. Each of their jobs is taken from its queue, which nobody serves, in
   the moment in which it comes: that moment, by the clock that all share, less its tick.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import ClassVar

from bench.errors import BenchError
from bench.figures import durations
from bench.measure import Column, Goal, Measure, Reading
from bench.process import Process
from bench.server import Server
from bench.system import System
from bench.visit import LOOK_SECONDS, Progress, Visit, visiting
from teep import Config, PeriodicSet, leader
from teep.config.periodic import How, entry_of
from teep.store.periodic.entries import Entry
from teep.wire import keys

_EACH_SECOND = 20
_QUEUE = "bench-ticks"
_PATIENCE = 60.0
_REST_SECONDS = 3.0
_SLICE = 1_000


class Periodic(Measure):
    title = "Periodic jobs"
    lead = (
        "What a leader costs that has nothing to fire, in per cent of a core; and how late the ticks of entries are."
    )
    columns = (
        Column("none", "idle CPU %, no entry"),
        Column("many", "idle CPU %, 10,000 entries"),
        Column("p50", "late, p50", durations),
        Column("p99", "late, p99", durations),
        Column("most", "late at most", durations),
    )
    goals: ClassVar[Sequence[Goal]] = (
        Goal("idle CPU with 10,000 entries, % of a core", 1, key="many", at_most=True),
        Goal("late, p99, seconds", 0.1, key="p99", at_most=True),
    )

    def __init__(self, scale: float) -> None:
        self._entries = max(100, int(10_000 * scale))
        self._seconds = max(2.0, 20 * scale)
        self.notes = [
            f"{self._entries:,} entries at rest; idle for {self._seconds:.0f} s each.",
            f"Then {_EACH_SECOND} entries that fire each second beside them, for {self._seconds:.0f} s.",
        ]

    def suits(self, system: System) -> bool:
        return system.name == "teep"

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        config = Config(redis_url=server.url)
        with visiting(system, server, 1, directory, progress) as visit, visit.running() as process:
            _wait_for(lambda: leader(config=config) is not None, process, "a leader")
            none = self._idle(process)
            _add(server, [_entry(f"daily-{number}", _daily(number)) for number in range(self._entries)])
            time.sleep(_REST_SECONDS)
            many = self._idle(process)
            _add(server, [_entry(f"often-{number}", "* * * * * *") for number in range(_EACH_SECOND)])
            late = sorted(self._late(visit, process))
            percentiles = quantiles(late, n=100, method="inclusive")
            if PeriodicSet(config=config).size() != self._entries + _EACH_SECOND:
                raise BenchError("some entries are gone")
            return {
                "none": none, "many": many, "p50": percentiles[49], "p99": percentiles[98], "most": late[-1],
            }  # fmt: skip

    def _idle(self, process: Process) -> float:
        time.sleep(_REST_SECONDS)
        before = process.cpu_seconds()
        time.sleep(self._seconds)
        process.check_alive()
        return (process.cpu_seconds() - before) / self._seconds * 100

    def _late(self, visit: Visit, process: Process) -> Iterator[float]:
        """Give how late each job came, in seconds; those of the first two seconds warm up."""
        key = keys.queue(_QUEUE)
        begin = time.time() + 2.0
        while time.time() < begin + self._seconds:
            found = visit.server.client.brpop([key], 5)
            now = time.time()
            if found is None:
                process.check_alive()
                raise BenchError(f"no tick for 5 s:\n{process.log_tail()}")
            tick = json.loads(found[1])["tick"]
            if tick >= begin:
                yield now - tick
            visit.progress((now - begin) / self._seconds)


def _daily(number: int) -> str:
    return f"{number % 60} {number // 60 % 24} * * *"


def _entry(name: str, schedule: str) -> Entry:
    made = entry_of(schedule, {"class": "bench_tick", "args": [], "queue": _QUEUE}, How(), name)
    return made.after(None, time.time())


def _add(server: Server, entries: list[Entry]) -> None:
    """Write entries, many at a time, and let the leader look."""
    for start in range(0, len(entries), _SLICE):
        slice_ = entries[start : start + _SLICE]
        server.client.hset(keys.periodic_last(), mapping={entry.name: repr(entry.since) for entry in slice_})
        server.client.hset(keys.periodic(), mapping={entry.name: entry.written() for entry in slice_})
    server.client.incr(keys.periodic_version())


def _wait_for(is_so: Callable[[], bool], process: Process, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        process.check_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"there is not {what} after {_PATIENCE:.0f} s:\n{process.log_tail()}")
        time.sleep(LOOK_SECONDS)
