"""Writes execution metrics: what each job class did, by minute, under Sidekiq 8's keys."""

import itertools
import time
from collections.abc import Iterator

from teep.errors import RedisError
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store import metrics
from teep.store.metrics import Batch
from teep.worker.fetch.tallies import Tallies


class MetricsWriter(Service):
    """Writes what has run since the last time, as often as the heart beats, and once more after the last job.

    Apart from the heart, which must not wait for it. What Redis did not take stays for the next turn; a batch that it
    may have taken, its answer being lost, is sent again under the same number, by which Redis knows it.
    """

    def __init__(self, component: Component, runs: Tallies) -> None:
        super().__init__("metrics", component.on_error)
        self._config = component.config
        self._driver = component.driver
        self._identity = component.identity
        self._runs = runs
        # From the clock: a worker that is started again has the identity and the key of its former life.
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
        """Write what is left, after the last job has ended."""
        try:
            self.run_once()
            self._driver.run(metrics.forget(self._identity))
        except RedisError as error:
            self._on_error(error, self.name)

    def _write(self) -> None:
        if self._batch is not None:
            self._driver.run(metrics.add(self._identity, self._batch))
            self._batch = None
