"""The part "api" of a run: all operations, as a section of the report."""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.api.operations import operations
from bench.api.outcome import HEADINGS
from bench.api.rounds import Rounds, sides
from bench.api.side import RUBY
from bench.progress import Bar
from bench.report import Section
from bench.server import Server

_TITLE = "The data API beside Sidekiq's"
_LEAD = """\
Both sides do the same on the same Redis, over loopback TCP, in a process each that has long been running, timed by
its own clock; that they come to the same end is checked.
"""
_NOTES = (
    "`x ruby` is how many times faster teep is; `trips` are teep's round trips.",
    "`commands` are those that Redis carried out for teep/ruby, those in scripts included.",
    "`loop` is how many ms a fixed loop in Python took meanwhile, which shows how fast the machine was.",
    "Ruby moves whole sets in two rounds only and deletes by class in one: it takes that long.",
    "Ruby has no verb for `add_to_queue` of all, nor for `delete_by_class`: its figure is that of a loop.",
    "The job looked for in a set is absent, which is the most work.",
    "The rows of a million jobs are teep's alone; peak memory is that of a process of its own, Python included.",
)


def measure(rounds: int, scale: float, server: Server, console: Console) -> Section:
    """Measures every operation in `rounds` rounds, with a progress bar on `console`."""
    rows = []
    chosen = operations(scale)
    with (
        TemporaryDirectory(prefix="bench-") as directory,
        Rounds(server, Path(directory), rounds) as visiting,
        Bar(console, len(chosen)) as bar,
    ):
        for operation in chosen:
            bar.show(operation.title)
            rows.append(visiting.measure(operation).row())
            bar.finish_visit()
    notes = [
        f"{rounds} rounds, with three visits each for what is over quickly; median (min-max).",
        *_NOTES,
        *_missing(),
    ]
    return Section(_TITLE, _LEAD.strip(), HEADINGS, rows, notes)


def _missing() -> list[str]:
    return [] if RUBY in sides() else ["Ruby is left out: there is no `sidekiq` (Debian's package is ruby-sidekiq)."]
