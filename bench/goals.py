"""The goals of teep, as figures of a measure, and whether a run reached them."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Protocol

from bench.figures import short
from bench.measure import Goal, Reading

HEADINGS = ("goal", "reach", "reached", "met")


class Results(Protocol):
    """A finished run: `readings` by system, and the ratios within its rounds."""

    def of(self, name: str) -> Sequence[Reading]:
        """Return a system's readings; none if it failed or was not visited."""
        ...

    def ratio(self, name: str, baseline: str, key: str) -> float:
        """Return how a system compares with another."""
        ...


class Figured:
    """The figures of a part that has no systems beside each other."""

    def __init__(self, figures: Mapping[str, float]) -> None:
        self._figures = figures

    def of(self, name: str) -> Sequence[Reading]:
        """Return the figures."""
        del name  # there is one
        return [self._figures]

    def ratio(self, name: str, baseline: str, key: str) -> float:
        """Refuse: no goal is beside another system."""
        raise KeyError(name, baseline, key)


def rows(goals: Sequence[Goal], results: Results) -> list[list[str]]:
    """Return a row for each goal that this run measured, under `HEADINGS`."""
    return [_row(goal, reached) for goal in goals if (reached := _reached(goal, results)) is not None]


def _reached(goal: Goal, results: Results) -> float | None:
    """Return the figure, or the ratio to whichever of the others comes nearest."""
    if not results.of(goal.system):
        return None
    if not goal.beside:
        figures = [reading[goal.key] for reading in results.of(goal.system) if goal.key in reading]
        return median(figures) if figures else None
    there = [name for name in goal.beside if results.of(name)]
    return min((results.ratio(goal.system, name, goal.key) for name in there), default=None)


def _row(goal: Goal, reached: float) -> list[str]:
    met = reached <= goal.reach if goal.at_most else reached >= goal.reach
    return [goal.what, f"{'≤' if goal.at_most else '≥'} {goal.reach:g}", short(reached), "yes" if met else "no"]
