"""The first half of the demo: a job for every file, and a progress bar until all have run."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

import teep
from teep.demo.files import Shares
from teep.demo.jobs import analyse, analyse_async, watch
from teep.demo.results import Results
from teep.demo.waiting import DemoFailed
from teep.testing.process import WorkerProcess

# Seconds ahead for which the scheduled ones are scheduled.
_AHEAD = (2.0, 3.0, 4.0)
# Seconds without any progress after which something must be wrong.
_PATIENCE = 60.0
_LOOK_EVERY = 0.1


class Pace(NamedTuple):
    """How the work went: jobs that ended, failed ones included, and the seconds it took."""

    jobs: int
    seconds: float


def push(shares: Shares, marker: Path) -> None:
    """Push a job for every file, and two that run for as long as the marker exists."""
    marker.touch()
    watch.perform_bulk([[str(marker)]] * 2)
    analyse.set(queue="heavy").perform_bulk([path] for path in shares.heavy)
    times = [time.time() + _AHEAD[number % len(_AHEAD)] for number in range(len(shares.later))]
    analyse.perform_bulk(([path] for path in shares.later), at=times)
    analyse_async.perform_bulk([path] for path in shares.coroutine)
    analyse.perform_bulk([path] for path in shares.light)


def follow(console: Console, total: int, results: Results, worker: WorkerProcess, started: float) -> Pace:
    """Show the progress until each of the `total` files has a result or has failed.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: nothing happened for a minute.
    """
    moved = time.monotonic()
    done = -1
    with ExitStack() as stack:
        bar = stack.enter_context(_Bar(console, total)) if console.is_terminal else None
        while True:
            stats = teep.Stats()
            results.refresh()
            now = time.monotonic()
            before, done = done, len(results.counts) + stats.retry_size
            if done != before:
                moved = now
            if bar is not None:
                bar.show(stats, done, now - started)
            if done >= total:
                return Pace(done, now - started)
            worker.check()
            if now - moved > _PATIENCE:
                raise DemoFailed(f"the jobs have stopped at {done} of {total}; is this machine very busy?")
            time.sleep(_LOOK_EVERY)


class _Bar:
    """The progress bar, with figures of `Stats` beside it."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=console,
            expand=True,
        )
        self._task: TaskID = self._progress.add_task("", total=total, figures="")

    def show(self, stats: teep.Stats, done: int, seconds: float) -> None:
        figures = (
            f"[bold]{done / seconds:.0f}[/] jobs/s"
            f" [dim]│[/] {stats.enqueued} waiting [dim]│[/] {stats.scheduled_size} scheduled"
            f" [dim]│[/] [red]{stats.retry_size} failed[/]"
        )
        self._progress.update(self._task, completed=done, figures=figures)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
