"""Asking the limits of jobs before they run: once for all that are here, so that a quick job costs no round trip."""

import threading
from collections.abc import Callable, Sequence

from teep.errors import RedisCommandError, RedisError
from teep.runtime.component import Component
from teep.store import features, limits
from teep.store.feature import Barred
from teep.telling import Logger
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.poison import postponed

logger = Logger("teep")

# The most jobs that are asked for at a time: bounds a script call to a few milliseconds.
_MOST = 1_000


class Admission:
    """The answers of limits about a capsule's jobs; safe to use from all of its threads.

    `stocked` returns the jobs that were reserved ahead. The thread whose job has no answer yet asks for these, too.
    A place that was given some time ago is given back and asked for anew, as its lease may have ended meanwhile.
    """

    def __init__(self, component: Component, stocked: Callable[[], Sequence[UnitOfWork]]) -> None:
        self._driver = component.driver
        self._identity = component.identity
        self._stocked = stocked
        self._asking = threading.Lock()

    def barred(self, job: UnitOfWork) -> Barred | None:
        """Return the outcome of a job that its limits keep from running now, or None if it may run."""
        if not job.is_answered or job.may_have_lost_its_place:
            with self._asking:
                if not job.is_answered or job.may_have_lost_its_place:
                    self._ask([job, *self._others()])
        return job.answer

    def _others(self) -> list[UnitOfWork]:
        here = self._stocked()
        return [job for job in here if job.is_special and job.asks.limited and not job.is_answered][:_MOST]

    def _ask(self, jobs: list[UnitOfWork]) -> None:
        try:
            if parts := [hold.part for hold in jobs[0].leave()]:
                self._driver.execute(limits.carry_out_all(parts))
            answers = self._driver.run(features.admit_all(jobs, self._identity))
        except RedisError as error:
            if isinstance(error, RedisCommandError) and len(jobs) > 1:
                self._ask(jobs[:1])  # what Redis refuses may be another one's
                return
            logger.warning("a job waits, as its limits cannot be asked: %s", error, extra=jobs[0].named())
            jobs[0].note_answer(postponed(jobs[0]))
            return
        for number, answer in answers.items():
            jobs[number].note_answer(answer)
