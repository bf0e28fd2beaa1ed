"""An operation's figures, as a row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from bench.api.operations import Goal, Operation
from bench.api.side import RUBY, TEEP
from bench.figures import durations, short, spread

HEADINGS = ("operation", "teep", "ruby", "x ruby", "trips", "commands", "goal", "met", "loop")
_NONE = "-"


class Visit(NamedTuple):
    """The cost of one call of an operation: commands that Redis carried out, and seconds, or bytes of memory."""

    commands: float
    figure: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measurements of an operation: teep's round trips, and each side's visits, one a round.

    `loops` are the durations (seconds) of the fixed loop that was run beside each round.
    """

    operation: Operation
    round_trips: int
    visits: dict[str, list[Visit]] = field(default_factory=dict[str, list[Visit]])
    loops: list[float] = field(default_factory=list[float])

    def add(self, side: str, visit: Visit) -> None:
        self.visits.setdefault(side, []).append(visit)

    def row(self) -> list[str]:
        shown = _megabytes if self.operation.memory else durations
        ratio = self.ratio()
        return [
            self.operation.title,
            *(shown(self._figures(side)) if side in self.visits else _NONE for side in (TEEP, RUBY)),
            _NONE if ratio is None else short(ratio),
            short(self.round_trips),
            "/".join(short(median(visit.commands for visit in visits)) for visits in self._by_side()),
            _text(self.operation.goal),
            {True: "yes", False: "no", None: _NONE}[self.reached()],
            f"{median(self.loops) * 1000:.0f}",
        ]

    def ratio(self) -> float | None:
        """How many times faster teep is, or None if Ruby was not asked. Taken round by round."""
        if RUBY not in self.visits:
            return None
        # Ruby takes part in the first rounds only, if it takes long.
        pairs = zip(self._figures(TEEP), self._figures(RUBY), strict=False)
        return median(ruby / teep for teep, ruby in pairs)

    def reached(self) -> bool | None:
        """Whether the goal is reached; None if there is nothing to compare with."""
        goal, ours = self.operation.goal, median(self._figures(TEEP))
        ratio = self.ratio()
        if goal.ratio is not None and ratio is None:
            return None
        return (
            (goal.ratio is None or ratio is None or ratio >= goal.ratio)
            and (goal.round_trips is None or self.round_trips <= goal.round_trips)
            and (goal.seconds is None or ours < goal.seconds)
            and (goal.megabytes is None or ours < goal.megabytes * 1e6)
        )

    def _figures(self, side: str) -> list[float]:
        return [visit.figure for visit in self.visits[side]]

    def _by_side(self) -> list[list[Visit]]:
        return [self.visits[side] for side in (TEEP, RUBY) if side in self.visits]


def _megabytes(octets: Sequence[float]) -> str:
    return spread([count / 1e6 for count in octets], "{:.0f}".format).replace(" ", " MB ", 1)


def _text(goal: Goal) -> str:
    parts = (
        ("≥ {:g}", goal.ratio),
        ("{:g} trips" if goal.round_trips != 1 else "{:g} trip", goal.round_trips),
        ("< {:g} ms", goal.seconds and goal.seconds * 1000),
        ("< {:g} MB", goal.megabytes),
    )
    return ", ".join(form.format(value) for form, value in parts if value is not None)
