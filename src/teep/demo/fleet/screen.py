"""The fleet at work, as the screen shows it: live on a terminal, in a line for each event elsewhere."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

import teep
from teep.api.stats import QueueSummary
from teep.demo.fleet.crash import Crash
from teep.demo.jobs import HEAVY, LIGHT

# Seconds between two pictures, and between two points of the curve.
_DRAW_EVERY, _POINT_EVERY = 0.25, 0.5
_POINTS = 48
_HEIGHTS = " ▁▂▃▄▅▆▇█"


class Look(NamedTuple):
    """The fleet at one moment; `runs` are those that each process has finished, by pid."""

    done: int
    seconds: float
    stats: teep.Stats
    queues: list[QueueSummary]
    processes: list[teep.Process]
    runs: Counter[int]
    crash: Crash | None


class Screen:
    """Shows looks at a fleet that has `total` files to analyse. A context manager."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._drawn_at = float("-inf")
        self._points = [(0.0, 0)]
        self._told: set[str] = set()
        is_live = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False) if is_live else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, look: Look, *, must: bool = False) -> None:
        """Show a look, unless it tells nothing of the crash that is new, and the last one is a moment ago.

        Args:
            look: the fleet now.
            must: show it even then, since no other will follow.
        """
        if look.seconds - self._points[-1][0] >= _POINT_EVERY:
            self._points.append((look.seconds, look.done))
        news = [line for line in _events(look.crash) if line.plain not in self._told]
        self._told.update(line.plain for line in news)
        if self._live is None:
            for line in news:
                self._console.print(line)
        elif must or news or look.seconds - self._drawn_at >= _DRAW_EVERY:
            self._drawn_at = look.seconds
            self._live.update(self._picture(look), refresh=True)

    def _picture(self, look: Look) -> RenderableType:
        events = [*_events(look.crash), Text(), Text()][:2]  # always two lines, so that nothing moves
        tables = Table.grid(padding=(0, 6))
        tables.add_row(_queues(look), _workers(look))
        return Group(self._progress(look), Text(), tables, Text(), self._pace(look), Text(), *events)

    def _progress(self, look: Look) -> RenderableType:
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(ratio=1)
        minutes, seconds = divmod(int(look.seconds), 60)
        figures = f"[bold]{look.done:,}[/] of {self._total:,} files [dim]│[/] {minutes}:{seconds:02}"
        line.add_row(
            ProgressBar(total=self._total, completed=look.done, complete_style="green", finished_style="green"),
            figures,
        )
        return line

    def _pace(self, look: Look) -> RenderableType:
        rates = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(self._points)]
        mean = look.done / look.seconds if look.seconds else 0.0
        curve = _curve(rates[-_POINTS:])
        return Text.assemble(("jobs a second  ", "dim"), (curve, "cyan"), f"  {mean:,.0f} on average")


def _queues(look: Look) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("queue", min_width=9)
    for name in ("waiting", "for"):
        table.add_column(name, justify="right", min_width=7)
    # Redis has no queue that is empty; each has its line all the same, so that nothing moves.
    waiting = {HEAVY: (0, 0.0), LIGHT: (0, 0.0)} | {queue.name: (queue.size, queue.latency) for queue in look.queues}
    for name, (size, latency) in sorted(waiting.items()):
        table.add_row(name, f"{size:,}", f"{latency:.1f} s")
    table.add_row("scheduled", f"{look.stats.scheduled_size:,}", "", style="dim")
    table.add_row("to retry", f"{look.stats.retry_size:,}", "", style="red" if look.stats.retry_size else "dim")
    return table


def _workers(look: Look) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("worker", "busy", "memory", "done"):
        table.add_column(name, justify="right", min_width=7)
    for process in sorted(look.processes, key=lambda each: (each.started_at, each.pid)):
        if look.crash is None or process.pid != look.crash.pid:
            busy, memory = f"{process.busy} of {process.concurrency}", f"{process.rss // 1024} MB"
            table.add_row(str(process.pid), busy, memory, f"{look.runs[process.pid]:,}")
    if look.crash is not None:
        table.add_row(str(look.crash.pid), "killed", "", f"{look.runs[look.crash.pid]:,}", style="red")
    return table


def _events(crash: Crash | None) -> Iterator[Text]:
    """Return a line for the kill, and one for what became of it."""
    if crash is None:
        return
    yield Text.assemble(
        ("✗ ", "red"), (f"kill -9 {crash.pid}", "bold red"), f" at half time, with {crash.jobs} jobs in its hands"
    )
    if crash.is_over:
        yield Text.assemble(
            ("✓ ", "green"), (f"all {crash.jobs} back in their queues", "bold green"),
            f" after {crash.rescued_after:.1f} s; {crash.successor} has taken its place",
        )  # fmt: skip


def _curve(rates: list[float]) -> str:
    top = max(rates, default=0.0) or 1.0
    return "".join(_HEIGHTS[round(max(0.0, rate) / top * (len(_HEIGHTS) - 1))] for rate in rates)
