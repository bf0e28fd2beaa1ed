"""`teep stats` and `teep queues`: counters and queues, as tables for people and as JSON for programs."""

from teep.cli.options import Looking
from teep.cli.printing import print_json, print_table


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


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s"
