"""`python -m bench`: measures, prints the tables, and writes them into one Markdown page if asked to."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from bench.api.run import measure as measure_api
from bench.batches.run import measure as measure_batches
from bench.comparison import compare
from bench.delay import Delay
from bench.enqueue import Enqueue
from bench.errors import BenchError
from bench.limits.run import measure as measure_limits
from bench.machine import describe
from bench.measure import Measure
from bench.naps import Naps
from bench.periodic import Periodic
from bench.pickup import Pickup
from bench.recovery import Recovery
from bench.registry import Selection, select, versions
from bench.report import Section, page
from bench.server import Server
from bench.throughput import Throughput
from bench.web.run import measure as measure_web


class Part(StrEnum):
    """A part of the benchmark that can be measured."""

    THROUGHPUT = "throughput"
    PICKUP = "pickup"
    ENQUEUE = "enqueue"
    NAPS = "naps"
    DELAY = "delay"
    API = "api"
    WEB = "web"
    PERIODIC = "periodic"
    LIMITS = "limits"
    BATCHES = "batches"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Run:
    """The options of a run, and the console that shows it."""

    selection: Selection
    rounds: int | None
    scale: float
    patience: float
    console: Console

    def section(self, part: Part) -> Section:
        """Measures one part on a server of its own."""
        with TemporaryDirectory(prefix="bench-") as directory, Server(Path(directory)) as server:
            if part is Part.API:
                return measure_api(self.rounds or 3, self.scale, server, self.console)
            if part is Part.WEB:
                return measure_web(self.rounds or 3, self.scale, server, self.console)
            if part is Part.LIMITS:
                return measure_limits(self.rounds or 3, self.scale, server, self.console)
            if part is Part.BATCHES:
                return measure_batches(self.rounds or 3, self.scale, self.selection, server, self.console)
            make, rounds = self._measures()[part]
            return compare(make(), self.selection, self.rounds or rounds, server, self.console).section()

    def _measures(self) -> Mapping[Part, tuple[Callable[[], Measure], int]]:
        """How each is made, and its rounds by default: fewer for measures that take minutes."""
        jobs = max(200, int(100_000 * self.scale))
        pushes, seconds = max(10, int(200 * self.scale)), max(1.0, 10 * self.scale)
        return {
            Part.THROUGHPUT: (lambda: Throughput(jobs), 3),
            Part.PICKUP: (lambda: Pickup(pushes, seconds), 1),
            Part.ENQUEUE: (lambda: Enqueue(max(200, int(10_000 * self.scale))), 3),
            Part.NAPS: (lambda: Naps(self.scale), 1),
            Part.DELAY: (lambda: Delay(jobs), 1),
            Part.PERIODIC: (lambda: Periodic(self.scale), 1),
            Part.RECOVERY: (lambda: Recovery(self.patience), 1),
        }


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice([part.value for part in Part]))
@click.option("--rounds", type=click.IntRange(min=1), help="How often everything is visited; default: 3, 1.")
@click.option(
    "--scale",
    type=click.FloatRange(0.001, 1),
    default=1.0,
    show_default=True,
    help="The fraction of the jobs to measure with.",
)
@click.option("--only", default="", help="Names of systems, with commas between; else all.")
@click.option("--peers/--no-peers", default=True, help="Measure other job systems of Python, too.")
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=90.0,
    show_default=True,
    help="recovery: seconds until a job is given up.",
)
@click.option("--markdown", type=click.Path(path_type=Path), help="A page to write to; parts not measured stay.")
def main(
    parts: Sequence[str],
    rounds: int | None,
    scale: float,
    only: str,
    peers: bool,
    patience: float,
    markdown: Path | None,
) -> None:
    """Measure teep beside a bare loop, Sidekiq and Python's other job systems, and its data API
    and web page beside Sidekiq's.

    If no part is named, all are measured but recovery, which waits up to 90 s a system.
    """
    # Rich takes 80 characters for a pipe, too few for the tables.
    console = Console() if sys.stdout.isatty() else Console(width=150)
    chosen = [Part(name) for name in dict.fromkeys(parts)] or [part for part in Part if part is not Part.RECOVERY]
    try:
        run = Run(_selection(chosen, only, peers, console), rounds, scale, patience, console)
        sections = [_shown(run.section(part), console) for part in chosen]
    except BenchError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise click.exceptions.Exit(1) from error
    circumstances = _circumstances(run.selection)
    for sentence in circumstances:
        console.print(sentence, markup=False, highlight=False)
    if markdown:
        former = markdown.read_text(encoding="utf-8") if markdown.exists() else ""
        markdown.write_text(page(sections, circumstances, former), encoding="utf-8")


def _selection(parts: Sequence[Part], only: str, peers: bool, console: Console) -> Selection:
    if set(parts) <= {Part.API, Part.WEB, Part.LIMITS}:
        return Selection([], [])
    with console.status("making the environments of the peers …"):
        return select([name for name in only.split(",") if name], peers=peers)


def _shown(section: Section, console: Console) -> Section:
    """Prints a part as soon as it is measured."""
    for table in section.tables():
        console.print(table)
    for note in section.notes:
        console.print(note, markup=False, highlight=False)
    console.print()
    return section


def _circumstances(selection: Selection) -> list[str]:
    return [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {describe()}.", f"{', '.join(versions(selection.systems))}."]


if __name__ == "__main__":
    main()
