"""A job for every file, pushed and followed until each file has a result or has failed."""

import time
from typing import NamedTuple

from rich.console import Console

import teep
from teep.api.fleet.fleet import Fleet
from teep.demo.files import Shares
from teep.demo.fleet.crash import Crash
from teep.demo.fleet.screen import Look, Screen
from teep.demo.jobs import HEAVY, analyse, analyse_async
from teep.demo.results import Results
from teep.demo.waiting import PATIENCE, Witness

WORKERS = 2
# Seconds ahead for which the scheduled ones are scheduled.
_AHEAD = (2.0, 3.0, 4.0)
_LOOK_EVERY = 0.1


class Outcome(NamedTuple):
    """How the work went: files by what became of them, runs that had a result already, and the seconds it took."""

    analysed: int
    failed: int
    repeated: int
    seconds: float


def push(shares: Shares) -> None:
    """Push a job for every file."""
    analyse.set(queue=HEAVY).perform_bulk([path] for path in shares.heavy)
    times = [time.time() + _AHEAD[number % len(_AHEAD)] for number in range(len(shares.later))]
    analyse.perform_bulk(([path] for path in shares.later), at=times)
    analyse_async.perform_bulk([path] for path in shares.coroutine)
    analyse.perform_bulk([path] for path in shares.light)


def follow(console: Console, total: int, results: Results, witness: Witness) -> Outcome:
    """Show the work until each of the `total` files is accounted for, and kill a worker at half time.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: nothing happened for a minute.
    """
    with Screen(console, total) as screen:
        return _Work(total, results, witness, screen).follow()


class _Work:
    def __init__(self, total: int, results: Results, witness: Witness, screen: Screen) -> None:
        self._total = total
        self._results = results
        self._witness = witness
        self._screen = screen
        self._started = self._moved_at = time.monotonic()
        self._done = -1
        self._crash: Crash | None = None

    def follow(self) -> Outcome:
        while True:
            look = self._look()
            is_over = self._is_over(look)
            self._screen.show(look, must=is_over)
            if is_over:
                return Outcome(len(self._results.counts), look.stats.retry_size, self._results.repeated, look.seconds)
            self._half_time(look)
            self._check(look)
            time.sleep(_LOOK_EVERY)

    def _look(self) -> Look:
        stats, processes = teep.Stats(), Fleet().state().processes
        self._results.refresh()
        if self._crash is not None and not self._crash.is_over:
            self._crash.look([process.pid for process in processes])
        return Look(
            done=len(self._results.counts) + stats.retry_size,
            seconds=time.monotonic() - self._started,
            stats=stats,
            queues=stats.queue_summaries(),
            processes=processes,
            runs=self._results.by_process,
            crash=self._crash,
        )

    def _half_time(self, look: Look) -> None:
        """Kill a worker once half of the files are done: one that does not lead, so that the clock goes on."""
        if self._crash is not None or 2 * look.done < self._total:
            return
        leader = teep.leader()
        followers = [process for process in look.processes if process.identity != leader]
        if len(look.processes) >= WORKERS:
            self._crash = Crash(followers[-1], [process.pid for process in look.processes])

    def _is_over(self, look: Look) -> bool:
        """Tell whether all files are accounted for, no job is left anywhere, and the crash is over."""
        if look.done < self._total or self._crash is None or not self._crash.is_over:
            return False
        return not (look.stats.enqueued or look.stats.scheduled_size or sum(Fleet().in_flight().values()))

    def _check(self, look: Look) -> None:
        self._witness.worker.check()
        if look.done != self._done:
            self._done, self._moved_at = look.done, time.monotonic()
        elif time.monotonic() - self._moved_at > PATIENCE:
            raise self._witness.failed(
                f"no job has ended for {PATIENCE:.0f} s, at {look.done:,} of {self._total:,} files"
            )
