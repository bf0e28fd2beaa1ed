"""The frame: what it needs of a measure, and the rounds in which every system is visited in turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bench.errors import BenchError
from bench.machine import loop_seconds
from bench.server import Server
from bench.system import System

LOOP = "loop"
Reading = Mapping[str, float]
"""What one visit found: a number for each column's key."""

Progress = Callable[[int], None]
"""Told now and then how many jobs of this visit have run."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a measure: its key in a reading, and its heading."""

    key: str
    heading: str


class Measure(Protocol):
    """What is read off a visit to a system."""

    @property
    def title(self) -> str: ...

    @property
    def lead(self) -> str:
        """What is measured, in a sentence or two."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """The first one is what systems are compared by."""
        ...

    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        """Starts the system, measures it and stops it. `directory` is empty and the visit's own."""
        ...


def visits(
    measure: Measure,
    systems: Sequence[System],
    server: Server,
    rounds: int,
    progress: Callable[[str, int], None],
) -> Iterator[tuple[str, Reading]]:
    """Visits every system in turn, `rounds` times over: a machine's slow minute then strikes all of them.

    Redis is empty when a visit begins. `progress` is told the system's name and how many jobs of the visit
    have run. Raises BenchError, with the system's name, where a visit failed.
    """
    for _ in range(rounds):
        for system in systems:
            server.client.flushall()
            loop = loop_seconds()
            with TemporaryDirectory(prefix="bench-") as directory:
                try:
                    reading = measure.visit(system, server, Path(directory), partial(progress, system.name))
                except BenchError as error:
                    raise BenchError(f"{system.name}: {error}") from error
            yield system.name, {**reading, LOOP: loop * 1000}
