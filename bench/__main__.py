"""`python -m bench`: measures the systems, prints the table, and writes it as Markdown if asked to."""

import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.errors import BenchError
from bench.machine import describe
from bench.measure import Reading, visits
from bench.registry import Selection, select, versions
from bench.report import Report
from bench.server import Server
from bench.throughput import Throughput


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each system is visited.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs in one visit.")] = 100_000,
    only: Annotated[str, typer.Option(help="Names of systems, with commas between; all by default.")] = "",
    markdown: Annotated[Path | None, typer.Option(help="A file to write the table to.")] = None,
) -> None:
    """Measure how many no-op jobs a second each system runs, and what a job costs."""
    # Rich takes 80 characters for a pipe, too few for the table.
    console = Console() if sys.stdout.isatty() else Console(width=140)
    try:
        report = run(Throughput(jobs), select([name for name in only.split(",") if name]), rounds, console)
    except BenchError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    console.print(report.table())
    for note in report.notes:
        console.print(note, markup=False, highlight=False)
    if markdown:
        markdown.write_text(report.markdown(), encoding="utf-8")


def run(measure: Throughput, selection: Selection, rounds: int, console: Console) -> Report:
    """Visits the selected systems `rounds` times, with a progress bar on `console`."""
    readings: dict[str, list[Reading]] = defaultdict(list)
    with TemporaryDirectory(prefix="bench-") as directory, Server(Path(directory)) as server:
        notes = [
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {describe()}.",
            f"{', '.join([server.version(), *versions(selection.systems)])}.",
            f"{rounds} rounds of {measure.jobs:,} jobs; median (min-max).",
            *selection.missing,
        ]
        with _Bar(console, rounds * len(selection.systems), measure.jobs) as bar:
            for name, reading in visits(measure, selection.systems, server, rounds, bar.show):
                readings[name].append(reading)
                bar.finish_visit()
    return Report(measure, readings, notes)


class _Bar:
    """How many jobs of all visits have run, and which system runs them.

    Drawn only twice a second, to leave the CPU to what is measured.
    """

    def __init__(self, console: Console, visits: int, jobs: int) -> None:
        columns = (
            TextColumn("{task.description:18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True, refresh_per_second=2)
        self._task = self._bar.add_task("", total=visits * jobs)
        self._jobs = jobs
        self._finished = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def show(self, name: str, done: int) -> None:
        self._bar.update(self._task, description=name, completed=self._finished * self._jobs + done)

    def finish_visit(self) -> None:
        self._finished += 1


if __name__ == "__main__":
    typer.run(main)
