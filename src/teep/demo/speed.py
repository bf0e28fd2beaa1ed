"""A hundred thousand jobs that do nothing, beside a bare loop: what the machine could do, and what a worker does."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Table

from teep.bench import Speed, speed
from teep.config import Config

_JOBS = 100_000
_BAR = 26


def measure(console: Console, redis_url: str) -> None:
    """Run the jobs in a worker of their own, and print both figures.

    Raises:
        WorkerEnded: the worker ended.
        BenchFailed: it stood still, or a job ran twice.
    """
    console.print()
    console.rule(f"[bold]{_JOBS:,} jobs that do nothing", align="left", style="dim")
    columns = (TextColumn("{task.description:20}", style="dim"), BarColumn(bar_width=_BAR, complete_style="cyan"))
    is_live = console.is_terminal and not console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, refresh_per_second=4, disable=not is_live) as progress:
        task = progress.add_task("", total=1.0)
        measured = speed(
            Config(redis_url=redis_url),
            _JOBS,
            lambda what, part: progress.update(task, description=what, completed=part),
        )
    _show(console, measured)


def _show(console: Console, measured: Speed) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    fastest = max(measured.floor, measured.noop)
    for what, rate in (("a bare loop, reliable", measured.floor), ("[bold]one teep worker[/]", measured.noop)):
        bar = ProgressBar(total=fastest, completed=rate, width=_BAR, complete_style="cyan", finished_style="cyan")
        table.add_row(what, f"{rate:,.0f} a second", bar, f"{rate / measured.floor:.0%}")
    console.print(table)
