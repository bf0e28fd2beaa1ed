"""Suspects: jobs that were in flight in a process when it died, and may have killed it.

1. Before one starts, Redis is told. If this process dies, too, only jobs that ran are blamed, not those that were
   merely reserved ahead.
2. Another death ends a job on its last chance. So only one such job runs here at a time: of several that ran side by
   side, all but one would be innocent. The others come again after some seconds.
"""

import random
import threading
import time
from collections import deque

from teep.drivers import Driver
from teep.errors import RedisError
from teep.store.feature import Barred
from teep.store.running import rescue
from teep.store.running.outcome import Outcome
from teep.telling import Logger
from teep.wire import keys, payload
from teep.worker.fetch.unit import UnitOfWork

logger = Logger("teep")

# A job that would be rescued for the third time goes to the dead set instead.
POISON = 3
# The shortest and the longest time (seconds) for which a job on its last chance makes way for another.
_AWAY = (1.0, 5.0)


class PoisonGuard:
    """The suspects that run in this process; safe to use from all of its threads."""

    def __init__(self, driver: Driver, identity: str) -> None:
        self._driver = driver
        self._identity = identity
        self._last_chance = threading.Lock()
        self._ended: deque[str] = deque()

    def admit(self, job: UnitOfWork) -> bool:
        """Tell whether a suspect may start now, and if so note that it does; `ended` must follow then.

        Costs one round trip. If Redis is away the job starts anyway, and a crash then blames no job.
        """
        if _is_on_last_chance(job) and not self._last_chance.acquire(blocking=False):
            return False
        jid = _jid(job)
        if jid is not None:
            ended = [self._ended.popleft() for _ in range(len(self._ended))]
            try:
                self._driver.run(rescue.suspect_started(self._identity, jid, ended))
            except RedisError as error:
                self._ended.extend(ended)
                logger.warning(
                    "a job that was rescued before runs without a note in Redis: %s", error, extra=job.named()
                )
        return True

    def ended(self, job: UnitOfWork) -> None:
        """Note that a suspect has ended, however it did."""
        jid = _jid(job)
        if jid is not None:
            self._ended.append(jid)  # Redis is told at the next start of a suspect, or when the process leaves
        if _is_on_last_chance(job):
            self._last_chance.release()


def postponed(job: UnitOfWork) -> Barred:
    """Return the outcome of a job that must wait: it comes again soon, without counting an attempt."""
    at = time.time() + random.uniform(*_AWAY)
    later = Outcome(job.queue, job.raw, keys.schedule(), at, job.raw, counted=None)
    return Barred(later, "waits until another job on its last chance has run")


def _is_on_last_chance(job: UnitOfWork) -> bool:
    return job.item is not None and payload.rescues(job.stored()) >= POISON - 1


def _jid(job: UnitOfWork) -> str | None:
    jid = None if job.item is None else job.stored().get("jid")
    return jid if type(jid) is str else None
