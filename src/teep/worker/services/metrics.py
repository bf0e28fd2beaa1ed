"""Writes execution metrics: the runs of each job class by minute, under Sidekiq 8's keys."""

import itertools
import time
from collections.abc import Iterator

from teep.errors import RedisError
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store.statistics import metrics
from teep.store.statistics.metrics import Batch
from teep.worker.fetch.tallies import Tallies


class MetricsWriter(Service):
    """Writes the runs since the last time, at the heartbeat's interval, and once more after the last job.

    It is a service of its own, since the heartbeat must not wait for it. A batch that Redis did not take stays for
    the next turn. If the answer was lost, the batch is sent again under the same number, so that it counts once.
    """

    def __init__(self, component: Component, runs: Tallies) -> None:
        super().__init__("metrics", component.on_error)
        self._config = component.config
        self._driver = component.driver
        self._identity = component.identity
        self._runs = runs
        # From the clock, since a worker that is started again may have the identity and the key of the former one.
        self._numbers: Iterator[int] = itertools.count(time.time_ns() // 1_000_000)
        self._batch: Batch | None = None

    def run_once(self) -> None:
        self._runs.fold()
        self._write()
        for minute in self._runs.minutes():
            self._batch = Batch(next(self._numbers), *self._runs.take(minute))
            self._write()

    def pause(self) -> float:
        return self._config.heartbeat_interval

    def leave(self) -> None:
        """Write the rest, after the last job has ended."""
        try:
            self.run_once()
            self._driver.run(metrics.forget(self._identity))
        except RedisError as error:
            self._on_error(error, self.name)

    def _write(self) -> None:
        if self._batch is not None:
            self._driver.run(metrics.add(self._identity, self._batch))
            self._batch = None
