"""The table of a run: medians with their extremes, and ratios within the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

from bench.measure import LOOP, Column, Measure, Reading

_LOOP = Column(LOOP, "loop ms", ".0f")
_BASELINES = ("floor-batch", "ruby-sidekiq")
"""The systems that the others are compared with."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run. `readings` holds one reading a round for each system; `notes` are sentences."""

    measure: Measure
    readings: Mapping[str, Sequence[Reading]]
    notes: Sequence[str]

    def headings(self) -> list[str]:
        first, *others = self.measure.columns
        ratios = [f"x {name}" for name in self._baselines()]
        return ["system", first.heading, *ratios, *(column.heading for column in (*others, _LOOP))]

    def rows(self) -> list[list[str]]:
        """One row a system; "median (min-max)" for what is compared and for the loop, else medians."""
        return [self._row(name) for name in self.readings]

    def table(self) -> Table:
        """For a terminal."""
        table = Table(title=self.measure.title)
        for number, heading in enumerate(self.headings()):
            table.add_column(heading, justify="right" if number else "left", overflow="fold")
        for row in self.rows():
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        headings = self.headings()
        rule = ["---", *("---:" for _ in headings[1:])]
        lines = ["| " + " | ".join(cells) + " |" for cells in (headings, rule, *self.rows())]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"## {self.measure.title}", "", *lines, "", *notes, ""])

    def _row(self, name: str) -> list[str]:
        readings = self.readings[name]
        first, *others = self.measure.columns
        return [
            name,
            _spread([reading[first.key] for reading in readings], first.format),
            *(_middle(self._ratios(name, baseline, first.key), ".2f") for baseline in self._baselines()),
            *(_middle([reading[column.key] for reading in readings], column.format) for column in others),
            _spread([reading[LOOP] for reading in readings], _LOOP.format),
        ]

    def _ratios(self, name: str, baseline: str, key: str) -> list[float]:
        """Round by round, since the two visits of a round lie closest in time."""
        pairs = zip(self.readings[name], self.readings[baseline], strict=True)
        return [reading[key] / base[key] for reading, base in pairs]

    def _baselines(self) -> list[str]:
        return [name for name in _BASELINES if name in self.readings]


def _middle(values: Sequence[float], form: str) -> str:
    return format(median(values), form)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{_middle(values, form)} ({min(values):{form}}-{max(values):{form}})"
