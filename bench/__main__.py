"""`python -m bench`: measures, prints the tables, and writes them as one Markdown page if asked to."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from bench.api.run import measure as measure_api
from bench.comparison import compare
from bench.errors import BenchError
from bench.machine import describe
from bench.registry import select, versions
from bench.report import Section, page
from bench.server import Server
from bench.throughput import Throughput


class Part(StrEnum):
    """What can be measured."""

    THROUGHPUT = "throughput"
    API = "api"


def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="What to measure; everything by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is visited.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="throughput: jobs in one visit.")] = 100_000,
    only: Annotated[str, typer.Option(help="throughput: names of systems, with commas between; else all.")] = "",
    scale: Annotated[float, typer.Option(min=0.001, max=1, help="api: the fraction of its jobs to measure.")] = 1.0,
    markdown: Annotated[Path | None, typer.Option(help="A file to write the page to.")] = None,
) -> None:
    """Measure how many no-op jobs a second each system runs, and the data API beside Sidekiq's."""
    # Rich takes 80 characters for a pipe, too few for the tables.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        selection = select([name for name in only.split(",") if name])
        measures: dict[Part, Callable[[Server], Section]] = {
            Part.THROUGHPUT: lambda server: compare(Throughput(jobs), selection, rounds, server, console).section(),
            Part.API: lambda server: measure_api(rounds, scale, server, console),
        }
        sections = [_measure(measures[part], console) for part in dict.fromkeys(parts or Part)]
        circumstances = _circumstances()
    except BenchError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    for sentence in circumstances:
        console.print(sentence, markup=False, highlight=False)
    if markdown:
        markdown.write_text(page(sections, circumstances), encoding="utf-8")


def _measure(part: Callable[[Server], Section], console: Console) -> Section:
    """Measures one part on a server of its own, and shows it at once."""
    with TemporaryDirectory(prefix="bench-") as directory, Server(Path(directory)) as server:
        section = part(server)
    console.print(section.table())
    for note in section.notes:
        console.print(note, markup=False, highlight=False)
    console.print()
    return section


def _circumstances() -> list[str]:
    return [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {describe()}.", f"{', '.join(versions())}."]


if __name__ == "__main__":
    typer.run(main)
