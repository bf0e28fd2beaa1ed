"""The systems of a run side by side: medians with their extremes, and ratios within the run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console

from bench.figures import short, spread
from bench.measure import LOOP, Column, Measure, Reading, visits
from bench.progress import Bar
from bench.registry import Selection
from bench.report import Section
from bench.server import Server
from bench.throughput import Throughput

_LOOP = Column(LOOP, "loop ms")
_BASELINES = {"floor-batch": "x floor", "ruby-sidekiq": "x ruby"}
"""The systems that the others are compared with, and the headings of the ratios."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished run. `readings` holds one reading a round for each system; `notes` are sentences."""

    measure: Measure
    readings: Mapping[str, Sequence[Reading]]
    notes: Sequence[str]

    def section(self) -> Section:
        first, *others = self.measure.columns
        ratios = [_BASELINES[name] for name in self._baselines()]
        headings = ["system", first.heading, *ratios, *(column.heading for column in (*others, _LOOP))]
        rows = [self._row(name) for name in self.readings]
        return Section(self.measure.title, self.measure.lead, headings, rows, self.notes)

    def _row(self, name: str) -> list[str]:
        """With the extremes for what is compared and for the loop, else medians."""
        readings = self.readings[name]
        first, *others = self.measure.columns
        return [
            name,
            spread([reading[first.key] for reading in readings]),
            *(short(median(self._ratios(name, baseline, first.key))) for baseline in self._baselines()),
            *(short(median(reading[column.key] for reading in readings)) for column in others),
            spread([reading[LOOP] for reading in readings], "{:.0f}".format),
        ]

    def _ratios(self, name: str, baseline: str, key: str) -> list[float]:
        """Round by round, since the two visits of a round lie closest in time."""
        pairs = zip(self.readings[name], self.readings[baseline], strict=True)
        return [reading[key] / base[key] for reading, base in pairs]

    def _baselines(self) -> list[str]:
        return [name for name in _BASELINES if name in self.readings]


def compare(measure: Throughput, selection: Selection, rounds: int, server: Server, console: Console) -> Comparison:
    """Visits the selected systems `rounds` times, with a progress bar on `console`."""
    readings: dict[str, list[Reading]] = defaultdict(list)
    with Bar(console, rounds * len(selection.systems), measure.jobs) as bar:
        for name, reading in visits(measure, selection.systems, server, rounds, bar.show):
            readings[name].append(reading)
            bar.finish_visit()
    notes = [f"{rounds} rounds of {measure.jobs:,} jobs; median (min-max).", *selection.missing]
    return Comparison(measure, readings, notes)
