"""Moves jobs that are due from the retry and scheduled sets to their queues."""

import random
import time

from teep.client.payloads.rewrite import again
from teep.errors import MalformedPayload, RedisCommandError
from teep.runtime.component import Component
from teep.runtime.interval import spread
from teep.runtime.refusals import Refusals
from teep.runtime.service import Service
from teep.store import processes
from teep.store.jobs import jobsets
from teep.store.jobs.jobsets import Enqueued, Verdict
from teep.telling import Logger
from teep.wire import commands, keys
from teep.wire.keys import Key
from teep.wire.stored import Stored

logger = Logger("teep")

_SETS = (keys.retry(), keys.schedule())
# If the next job is due before the usual interval has passed, processes come for it this many seconds apart.
_APART = 0.02


class Poller(Service):
    """Looks for due jobs: about every `average_scheduled_poll_interval` seconds over the whole fleet, and sooner
    if the next one is due sooner.

    Each job moves in one atomic compare-and-move; however many processes look, it moves once. An entry that is no job
    goes to the dead set unchanged.
    """

    def __init__(self, component: Component) -> None:
        super().__init__("poller", component.on_error)
        self._config = component.config
        self._driver = component.driver
        self._refusals = Refusals(self._config.average_scheduled_poll_interval)

    def run_once(self) -> None:
        failures: list[Exception] = []
        refused: list[str] = []
        for key in _SETS:
            try:
                failures += self._move_due(key)
            except RedisCommandError as error:
                refused.append(f"jobs that are due in {key} cannot be moved: {error}")
        if not refused:
            self._refusals.over()
        for reason in self._refusals.note(refused) if refused else ():
            logger.error("%s; they stay there, and are tried again", reason)
        if failures:
            # Those jobs stay, and are tried again at the next turn; they delay no other job.
            raise failures[0]

    def pause(self) -> float:
        others = self._driver.run(processes.count())
        usual = spread(others, self._config.average_scheduled_poll_interval, self._config.poll_interval_average)
        if self._refusals.pause:  # the refused jobs stay due: do not look for them at once
            return min(usual, self._refusals.pause)
        due = self._driver.run(jobsets.next_due(_SETS))
        if due is None:
            return usual
        return min(usual, max(0.0, due - time.time()) + random.random() * _APART * max(1, others))

    def quiet(self) -> None:
        self.stop()

    def _move_due(self, key: Key) -> list[Exception]:
        """Move the due jobs of a set; returns the errors that client middleware raised.

        Raises:
            RedisCommandError: Redis refused some jobs, which stay. They delay no other job.
        """
        now = time.time()
        broken: list[bytes] = []
        failures: list[Exception] = []

        def rewrite(raw: bytes) -> Enqueued | Verdict:
            try:
                verdict = again(self._config, Stored(raw), take_back=False)
            except Exception as error:  # noqa: BLE001 - raised later; a middleware may raise anything
                failures.append(error)
                return Verdict.LEAVE
            if verdict is Verdict.LEAVE:
                broken.append(raw)
            return verdict

        try:
            self._driver.run(jobsets.enqueue_all(key, rewrite, until=commands.score(now)))
        finally:
            if broken:
                self._bury(key, broken, now)
        return failures

    def _bury(self, key: Key, broken: list[bytes], now: float) -> None:
        """Move entries that are no jobs to the dead set, unchanged."""
        self._driver.run(jobsets.kill(key, broken, now)).checked()
        self._driver.run(jobsets.trim_dead(now, self._config.dead_limits))
        self._on_error(MalformedPayload(f"{len(broken)} entries of {key} were no jobs: see the dead set"), self.name)
