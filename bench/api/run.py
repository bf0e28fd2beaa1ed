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
_LEAD = (
    "Both sides do the same on the same Redis, over loopback TCP, in a process each that has long been running, timed "
    "by its own clock; that they come to the same end is checked."
)
_NOTES = (
    "`x ruby` is how many times faster teep is. `trips` are teep's round trips; `commands` are those that Redis "
    "carried out for teep/ruby, those in scripts included.",
    "Ruby moves whole sets in two rounds only and deletes by class in one, since that takes it so long. It has no verb "
    "for `add_to_queue` of all, nor for `delete_by_class`: there it is the loop that its users write.",
    "Both were told to find the same jobs; teep finds a jid of its own by its time, Ruby's random ones by reading the "
    "queue inside Redis.",
    "The rows of a million jobs are teep's alone; peak memory is that of a process of its own, Python included.",
    "`loop` is how many ms a fixed loop in Python took meanwhile: a check of the machine's speed.",
)


def measure(rounds: int, scale: float, server: Server, console: Console) -> Section:
    """Measures every operation in `rounds` rounds, with a progress bar on `console`."""
    rows = []
    chosen = operations(scale)
    with TemporaryDirectory(prefix="bench-") as directory, Rounds(server, Path(directory), rounds) as visiting:
        with Bar(console, len(chosen)) as bar:
            for operation in chosen:
                bar.show(operation.title)
                rows.append(visiting.measure(operation).row())
                bar.finish_visit()
    return Section(_TITLE, _LEAD, HEADINGS, rows, [f"{rounds} rounds; median (min-max).", *_NOTES, *_missing()])


def _missing() -> list[str]:
    return [] if RUBY in sides() else ["Ruby is left out: there is no `sidekiq` (Debian's package is ruby-sidekiq)."]
