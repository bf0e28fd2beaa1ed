"""Moves jobs that are due from the retry and scheduled sets to their queues."""

import random
import time

from teep.client.preparation import again
from teep.config import Config
from teep.drivers import Driver
from teep.errors import MalformedPayload
from teep.store import jobsets, processes
from teep.store.jobsets import Enqueued, Limits, Verdict
from teep.wire import commands, keys
from teep.worker.interval import spread
from teep.worker.service import OnError, Service

# Where the next job falls due before the usual interval has passed, processes come for it this many seconds apart.
_APART = 0.02


class Poller(Service):
    """Looks for due jobs: about every `average_scheduled_poll_interval` seconds over the whole fleet, and sooner
    where the next one falls due sooner.

    Each job moves in one atomic compare-and-move; however many processes look, it moves once. What is no job at
    all goes to the dead set as it is.
    """

    def __init__(self, config: Config, driver: Driver, on_error: OnError) -> None:
        super().__init__("poller", on_error)
        self._config = config
        self._driver = driver

    def run_once(self) -> None:
        failures = [failure for key in (keys.retry(), keys.schedule()) for failure in self._move_due(key)]
        if failures:
            # Those jobs stay and are tried again at the next turn; they held up no other.
            raise failures[0]

    def pause(self) -> float:
        others = self._driver.run(processes.count())
        usual = spread(others, self._config.average_scheduled_poll_interval, self._config.poll_interval_average)
        due = self._driver.run(jobsets.next_due((keys.retry(), keys.schedule())))
        if due is None:
            return usual
        return min(usual, max(0.0, due - time.time()) + random.random() * _APART * max(1, others))

    def _move_due(self, key: str) -> list[Exception]:
        """Move what is due in a set; returns what the client middleware raised, where it did."""
        now = time.time()
        broken: list[bytes] = []
        failures: list[Exception] = []

        def rewrite(raw: bytes) -> Enqueued | Verdict:
            try:
                verdict = again(self._config, raw, take_back=False)
            except Exception as error:  # noqa: BLE001 - raised later; a middleware may raise anything
                failures.append(error)
                return Verdict.LEAVE
            if verdict is Verdict.LEAVE:
                broken.append(raw)
            return verdict

        self._driver.run(jobsets.enqueue_all(key, rewrite, until=commands.score(now)))
        if broken:
            self._driver.run(jobsets.transfer(key, keys.dead(), [(raw, now, raw) for raw in broken]))
            limits = Limits(self._config.dead_max_jobs, self._config.dead_timeout)
            self._driver.run(jobsets.trim_dead(now, limits))
            self._on_error(
                MalformedPayload(f"{len(broken)} entries of {key} were no jobs: see the dead set"), self.name
            )
        return failures
