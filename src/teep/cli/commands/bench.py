"""`teep bench`: measure this machine and this Redis."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

import click

from teep.cli.command import option
from teep.cli.options import Looking
from teep.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from teep.bench import Figures

Jobs = Annotated[
    int,
    option(
        "--jobs",
        type=click.IntRange(min=10_000),
        show_default=True,
        help="No-op jobs to run, of each kind; fewer end before a look.",
    ),
]
Concurrency = Annotated[
    int, option("--concurrency", "-c", show_default=True, help="Jobs that the worker runs at a time.")
]
OnlyAsync = Annotated[bool, option("--async", help="Run only `async def` jobs.")]


@dataclass(frozen=True, eq=False, repr=False)
class BenchFlags(Looking):
    """The number and kind of jobs to measure with, and where."""

    jobs: Jobs = 100_000
    concurrency: Concurrency = 10
    only_async: OnlyAsync = False


def bench(flags: BenchFlags) -> None:
    """Measure how fast teep is on this machine and this Redis: pushing, running, picking up. About 15 seconds.

    It uses a queue of its own, served by a worker of its own, and removes it, also on Ctrl-C; Redis needs about
    250 bytes a job meanwhile. Two things reach further. The counters of processed jobs count these jobs, too. And
    the worker, as any other, moves due jobs to their queues, and rescues the jobs of dead processes.

    Example: [bold]teep bench --jobs 20000 --redis-url redis://localhost:6379/0[/bold]
    """
    from teep.bench import run
    from teep.config import Config, redis_url_for

    # Only the Redis of the configuration file is used: teep is measured, not a user's settings.
    measured = Config(redis_url=redis_url_for(flags.configured(), warn=False), concurrency=flags.concurrency)
    with _Progress() as progress:
        figures = run(measured, flags.jobs, progress.show, only_async=flags.only_async)
    _print(figures, as_json=flags.as_json)


class _Progress:
    """A line on standard error that shows the progress, if that is a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (TextColumn("{task.description:24}"), BarColumn(), TaskProgressColumn())
        console = Console(stderr=True)
        # Twice a second, to leave the processor to the measured programs.
        self._bar = Progress(
            *columns, console=console, transient=True, refresh_per_second=2, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, what: str, part: float) -> None:
        self._bar.update(self._task, description=what, completed=part)


def _print(figures: "Figures", *, as_json: bool) -> None:
    from dataclasses import asdict

    ratios = {f"{kind}_to_floor": _ratio(getattr(figures, kind), figures.floor) for kind in ("noop", "noop_async")}
    if as_json:
        print_json({**asdict(figures), **ratios})
        return
    runs = [("def jobs", "noop"), ("async def jobs", "noop_async")]
    rates = [
        ("pushed one by one", figures.enqueue_one),
        ("pushed in bulk", figures.enqueue_bulk),
        ("a bare loop, reliable", figures.floor),
        *((f"no-op {label}", rate) for label, name in runs if (rate := getattr(figures, name)) is not None),
    ]
    times = [
        ("a round trip to Redis", figures.round_trip),
        ("a job's pickup, median", figures.pickup_p50),
        ("a job's pickup, 99th percentile", figures.pickup_p99),
    ]
    print_table(
        [f"{figures.jobs:,} jobs, concurrency {figures.concurrency}", "a second", "of the bare loop", "takes"],
        [
            *((label, f"{rate:,.0f}", _percent(label, rate, figures.floor), "") for label, rate in rates),
            *((label, "", "", f"{seconds * 1000:,.3f} ms") for label, seconds in times),
        ],
    )


def _ratio(rate: float | None, floor: float) -> float | None:
    return None if rate is None else rate / floor


def _percent(label: str, rate: float, floor: float) -> str:
    """Return a rate in per cent of the bare loop's; empty for pushes, which run no jobs."""
    return "" if label.startswith("pushed") else f"{rate / floor:.0%}"
