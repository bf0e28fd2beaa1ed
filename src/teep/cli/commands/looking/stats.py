"""`teep stats`: counters and sizes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from teep.cli.options import Looking, Watch
from teep.cli.printing import Column, print_json, show, table
from teep.cli.showing.watching import look

if TYPE_CHECKING:
    from teep.config import Config

_COUNTERS = ("processed", "failed", "expired")


@dataclass(frozen=True, eq=False, repr=False)
class StatsFlags(Looking):
    """Once, or again and again."""

    watch: Watch = False


def stats(flags: StatsFlags) -> None:
    """Show the counters, and how many jobs wait where. With --watch also how many jobs run in a second.

    Example: [bold]teep stats --watch[/bold]
    """
    config = flags.configured()
    before: tuple[float, dict[str, Any]] | None = None

    def read() -> Callable[[], None]:
        nonlocal before
        now = time.monotonic(), _read(config)
        last, before = before, now
        if flags.as_json:
            return lambda: print_json(now[1])
        rates = _rates(last, now) if flags.watch else {}
        return lambda: _print(now[1], rates, watch=flags.watch)

    look(read, again=flags.watch)


def _read(config: "Config") -> dict[str, Any]:
    from teep.api import Stats

    now = Stats(config=config)
    fast = now.fetch_stats_fast()
    latency = fast.pop("default_queue_latency")
    counts = {**fast, "expired": now.expired, "enqueued": now.enqueued, "workers_size": now.workers_size}
    return {**counts, "default_queue_latency": latency, "queues": now.queues}


def _rates(last: tuple[float, dict[str, Any]] | None, now: tuple[float, dict[str, Any]]) -> dict[str, float]:
    """Return by how much each counter has grown in a second, between two looks."""
    if last is None:
        return {}
    seconds = now[0] - last[0]
    return {name: (now[1][name] - last[1][name]) / seconds for name in _COUNTERS}


def _print(found: dict[str, Any], rates: dict[str, float], *, watch: bool) -> None:
    counts = {name: value for name, value in found.items() if isinstance(value, int)}
    rows = [
        (_named(name), f"{count:,}", f"{rates[name]:,.1f}" if name in rates else "") for name, count in counts.items()
    ]
    rows.append(("default queue's latency", f"{found['default_queue_latency']:,.1f} s", ""))
    columns = [Column("", style="bold"), Column("now", is_figure=True), Column("a second", is_figure=True)]
    show(table(columns, rows) if watch else table(columns[:2], [row[:2] for row in rows]))


def _named(name: str) -> str:
    return name.replace("_size", "").replace("workers", "busy")
