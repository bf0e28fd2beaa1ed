"""`teep stats` and `teep queues`: what there is, as tables for people and as JSON for programs."""

from typing import Any

from teep.cli.options import Looking


def stats(flags: Looking) -> None:
    """Show the counters, and how many jobs wait where.

    Example: [bold]teep stats --json | jq .enqueued[/bold]
    """
    from teep.api import Stats

    now = Stats(config=flags.configured())
    fast = now.fetch_stats_fast()
    latency = fast.pop("default_queue_latency")
    counts = {**fast, "expired": now.expired, "enqueued": now.enqueued, "workers_size": now.workers_size}
    if flags.as_json:
        print_json({**counts, "default_queue_latency": latency, "queues": now.queues})
        return
    rows = [(name.replace("_size", "").replace("workers", "busy"), f"{count:,}") for name, count in counts.items()]
    print_table(["", "now"], [*rows, ("default queue's latency", _seconds(latency))])


def queues(flags: Looking) -> None:
    """Show every queue: its size, how long its next job has waited, and whether it is paused.

    Example: [bold]teep queues --redis-url redis://localhost:6379/0[/bold]
    """
    from teep.api import Stats

    summaries = Stats(config=flags.configured()).queue_summaries()
    if flags.as_json:
        print_json([summary._asdict() for summary in summaries])
    elif not summaries:
        print("There are no queues: nothing was pushed yet.")
    else:
        print_table(
            ["queue", "size", "latency", "paused"],
            [(name, f"{size:,}", _seconds(latency), "yes" * paused) for name, size, latency, paused in summaries],
        )


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    from teep.wire import json

    print(json.dumps(value).decode())


def print_table(columns: list[str], rows: list[tuple[str, ...]], *, of_texts: bool = False) -> None:
    """Print a table whose first column is a name and whose others are figures, or texts, which make room for it."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(columns[0], style="bold", no_wrap=of_texts)
    for column in columns[1:]:
        table.add_column(column, justify="left" if of_texts else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s"
