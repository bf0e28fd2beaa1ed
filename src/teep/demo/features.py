"""A batch, a tick of a periodic job, and a limit: each run by the fleet, and told in a line."""

import time

from rich.console import Console

import teep
from teep.demo.jobs import call, celebrate, step, tick
from teep.demo.waiting import Witness

_STEPS, _CALLS = 1_000, 11
_NAME = "demo"


def show(console: Console, witness: Witness) -> None:
    """Start all three at once, and print what became of each.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: one of them did not end.
    """
    console.print()
    console.rule("[bold]More than a queue", align="left", style="dim")
    entries = teep.PeriodicSet()
    entries.create(_NAME, "* * * * * *", tick)
    try:
        _limit(console, witness)
        _batch(console, witness)
        _tick(console, witness)
    finally:
        entries.delete(_NAME)


def _batch(console: Console, witness: Witness) -> None:
    batch = teep.Batch(description="the demo's")
    batch.on("success", celebrate, batch.bid)
    with batch.jobs():
        step.perform_bulk([number] for number in range(_STEPS))
    status = _finished(batch, witness)
    callback = status.callbacks["success"][0].klass
    _line(console, "A batch", f"{status.total:,} jobs are over, {status.failures} failed; then ran {callback}")


def _tick(console: Console, witness: Witness) -> None:
    entries = teep.PeriodicSet()

    def last() -> object:
        entry = entries.get(_NAME)
        return entry is not None and entry.last_at

    witness.wait_until(last, "the tick of a periodic job")
    entry = entries.get(_NAME)
    if entry is not None and entry.last_at is not None:
        _line(
            console, "A tick", f"{entry.schedule!r} last fired at {entry.last_at:%H:%M:%S}, once for the whole fleet"
        )


def _limit(console: Console, witness: Witness) -> None:
    started = time.monotonic()
    batch = teep.Batch()
    with batch.jobs():
        call.perform_bulk([number] for number in range(_CALLS))
    _finished(batch, witness)
    _line(console, "A limit", f"{_CALLS} jobs, 5 a second at most, took {time.monotonic() - started:.1f} s")


def _finished(batch: teep.Batch, witness: Witness) -> teep.BatchStatus:
    status = teep.BatchStatus(batch.bid)
    witness.wait_until(lambda: teep.BatchStatus(batch.bid).finished_at, "the end of a batch")
    status.refresh()
    return status


def _line(console: Console, what: str, told: str) -> None:
    console.print(f"[bold]{what:8}[/] {told}")
