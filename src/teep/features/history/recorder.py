"""Samples the fleet every 10 seconds while its process leads, and adds that to the history in Redis."""

import time
from typing import Any, SupportsFloat

from teep.config.handlers import fire
from teep.errors import InvalidValue
from teep.runtime.component import Component
from teep.runtime.leadership import LeaderService
from teep.store.statistics import history
from teep.store.statistics.history import Sample

INTERVAL = 10.0
"""Seconds between samples."""

# Below the first, the sum of all samples of a record is a double, too. From the second on, an int may be too long for
# those who read it.
_MOST, _LONG = 1e300, 2**53


class Recorder(LeaderService):
    """A service of the leader, if it has `history=True`. A sample costs four round trips.

    It is added by a script that compares the leader's lease with this process. So of two that believe that they lead
    only one writes. Listeners of "sample", such as StatsD, hear only of samples that were written.
    """

    patience = 3.0  # gauges ask databases

    def __init__(self, component: Component) -> None:
        super().__init__("history", component.on_error, component.leadership)
        self._component = component

    def run_once(self) -> None:
        gauges = self._gauges()
        sample = self._component.driver.run(history.sample())
        if self._component.driver.run(history.add(self._component.fence, sample, gauges)):
            fire(self._component.config, "sample", _told(sample, gauges))

    def pause(self) -> float:
        # At multiples of the interval, so that every minute has six.
        return INTERVAL - time.time() % INTERVAL

    def _gauges(self) -> dict[str, float]:
        """Return the values of the program's own gauges; one that fails is reported, and left out."""
        values = {}
        for name, read in self._component.hooks.gauges.items():
            try:
                values[name] = _plain(name, read())
            except BaseException as error:  # noqa: BLE001 - reported: the others go on, whatever a program's code raises
                self._on_error(error, f"gauge {name}")
        return values


def _plain(name: str, value: object) -> float:
    """Return what a gauge has read as a plain number, whatever kind of number it is, such as a Decimal."""
    if not isinstance(value, SupportsFloat) or not abs(number := float(value)) < _MOST:
        raise InvalidValue(f"the gauge {name!r} must return a finite number, not {value!r}")
    return int(number) if isinstance(value, int) and abs(number) < _LONG else number


def _told(sample: Sample, gauges: dict[str, float]) -> dict[str, Any]:
    queues = {name: queue._asdict() for name, queue in sample.queues.items()}
    return {**sample._asdict(), "queues": queues, "gauges": gauges}
