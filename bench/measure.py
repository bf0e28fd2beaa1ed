"""The base class of measures, and the rounds in which every system is visited in turn."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from bench.errors import BenchError
from bench.figures import middle
from bench.machine import loop_seconds
from bench.server import Server
from bench.system import System
from bench.visit import Progress

LOOP = "loop"
Reading = Mapping[str, float]
"""The result of one visit: a number for each column's key; one that a system does not have is left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a measure: its key in a reading, its heading, how the rounds' figures are written.

    A column that is `compared` comes with its ratios to the baselines.
    """

    key: str
    heading: str
    shown: Callable[[Sequence[float]], str] = middle
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of a system: a figure, or its ratio to the best of those `beside` it."""

    what: str
    reach: float
    system: str = "teep"
    key: str = "rate"
    beside: Sequence[str] = ()
    at_most: bool = False


class Measure(ABC):
    """A measure, which is taken in visits to systems."""

    title: ClassVar[str]
    lead: ClassVar[str]
    """The subject of the measure, in a sentence or two."""
    columns: ClassVar[Sequence[Column]]
    baselines: ClassVar[Sequence[tuple[str, str]]] = ()
    """The systems that the others are compared with, and the headings of the ratios."""
    goals: ClassVar[Sequence[Goal]] = ()
    notes: Sequence[str]

    def suits(self, system: System) -> bool:
        """Whether this system can be measured."""
        del system
        return True

    @abstractmethod
    def visit(self, system: System, server: Server, directory: Path, progress: Progress) -> Reading:
        """Starts the system, measures it and stops it. `directory` is empty and the visit's own."""


def visits(
    measure: Measure,
    systems: Sequence[System],
    server: Server,
    rounds: int,
    progress: Callable[[str, float], None],
) -> Iterator[tuple[str, Reading | BenchError]]:
    """Visits every system in turn, `rounds` times over: a machine's slow minute then strikes all of them.

    `progress` is told the system's name and which part of the visit is over. If a visit fails, its error comes in
    the place of the reading, and the system is visited no more.
    """
    failed: set[str] = set()
    for _ in range(rounds):
        for system in systems:
            if system.name in failed:
                continue
            loop = loop_seconds()
            try:
                with TemporaryDirectory(prefix="bench-") as directory:
                    reading = measure.visit(system, server, Path(directory), partial(progress, system.name))
            except BenchError as error:
                failed.add(system.name)
                yield system.name, error
            else:
                yield system.name, {**reading, LOOP: loop * 1000}
