"""The systems of a run side by side: medians with their extremes, and ratios within the run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from rich.console import Console

from bench import goals
from bench.figures import short, spread
from bench.measure import LOOP, Column, Measure, Reading, visits
from bench.progress import Bar
from bench.registry import Selection
from bench.report import Section
from bench.server import Server

_LOOP = Column(LOOP, "loop ms", partial(spread, shown="{:.0f}".format))

_REASON = 300
"""Characters of an error that the page repeats; the terminal shows all."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished run.

    `readings` holds one reading a round for each system, `failures` why others have none, and `notes` sentences.
    """

    measure: Measure
    readings: Mapping[str, Sequence[Reading]]
    failures: Mapping[str, str]
    notes: Sequence[str]

    def section(self) -> Section:
        headings = ["system"]
        for column in self.measure.columns:
            headings.append(column.heading)
            headings.extend(self._baselines().values() if column.compared else ())
        rows = [[name, *self._row(name), self._loop(name)] for name in self.readings]
        failed = [[name, "failed", *[""] * (len(headings) - 1)] for name in self.failures]
        why = [f"{name} failed: {reason}." for name, reason in self.failures.items()]
        headings.append(_LOOP.heading)
        return Section(
            self.measure.title,
            self.measure.lead,
            headings,
            [*rows, *failed],
            [*self.notes, *why],
            goals.rows(self.measure.goals, self),
        )

    def of(self, name: str) -> Sequence[Reading]:
        """Return a system's readings; none if it failed or was not visited."""
        return self.readings.get(name, ())

    def ratio(self, name: str, baseline: str, key: str) -> float:
        """The median of the rounds' ratios: the two visits of a round lie closest in time."""
        pairs = zip(self.readings[name], self.readings[baseline], strict=True)
        return median(reading[key] / base[key] for reading, base in pairs)

    def _row(self, name: str) -> list[str]:
        cells = []
        for column in self.measure.columns:
            values = [reading[column.key] for reading in self.readings[name] if column.key in reading]
            cells.append(column.shown(values) if values else "-")
            if column.compared:
                cells.extend(self._ratio_cell(name, baseline, column.key) for baseline in self._baselines())
        return cells

    def _ratio_cell(self, name: str, baseline: str, key: str) -> str:
        both = all(key in reading for side in (name, baseline) for reading in self.readings[side])
        return short(self.ratio(name, baseline, key)) if both else "-"

    def _loop(self, name: str) -> str:
        return _LOOP.shown([reading[LOOP] for reading in self.readings[name]])

    def _baselines(self) -> dict[str, str]:
        return {name: heading for name, heading in self.measure.baselines if name in self.readings}


def compare(measure: Measure, selection: Selection, rounds: int, server: Server, console: Console) -> Comparison:
    """Visits the selected systems that have this measure `rounds` times, with a progress bar on `console`."""
    readings: dict[str, list[Reading]] = defaultdict(list)
    failures: dict[str, str] = {}
    systems = [system for system in selection.systems if measure.suits(system)]
    with Bar(console, rounds * len(systems)) as bar:
        for name, outcome in visits(measure, systems, server, rounds, bar.show):
            if isinstance(outcome, Mapping):
                readings[name].append(outcome)
            else:
                # A system that failed in one round has failed, even if its other rounds went well.
                readings.pop(name, None)
                failures[name] = " ".join(str(outcome).split())[:_REASON]
                console.print(f"{name}: {outcome}", style="red", markup=False)
            bar.finish_visit()
    rounds_note = f"{rounds} rounds; median (min-max)." if rounds > 1 else "One round."
    return Comparison(measure, readings, failures, [rounds_note, *measure.notes, *selection.missing])
