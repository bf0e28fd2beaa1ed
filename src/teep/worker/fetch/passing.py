"""Places of limits that jobs here have left, on their way to the next jobs.

A place goes along with the exchange that reports its job's end. A job that waits for it in one of the capsule's
queues takes it over, comes with the answer, and starts without asking. All other places are free again.
"""

from collections.abc import Callable, Iterable, Sequence

from teep.clock import redis_time
from teep.store import features, limits
from teep.store.limits import Hold, Passed
from teep.wire.command import Command
from teep.worker.fetch.unit import UnitOfWork


class Passing:
    """The places that were left and are not passed on yet. Not thread-safe: the fetcher's lock guards it."""

    def __init__(self, identity: str, queues: Callable[[], Sequence[str]]) -> None:
        self._identity = identity
        self._queues = queues
        self._left: list[Hold] = []
        self._sent: list[Hold] = []

    def take(self, jobs: Iterable[UnitOfWork]) -> None:
        """Take over what jobs held that are done."""
        for job in jobs:
            if job.held:
                self._left += job.leave()

    def questions(self, *, reserving: bool) -> list[Command[list[Passed]]]:
        """Return the command that passes the places on, or gives them back if no jobs are reserved; often none."""
        if not self._left:
            return []
        self._sent, self._left = self._left, []
        queues = self._queues() if reserving else ()
        return [limits.pass_on(self._identity, self._sent, queues, redis_time())]

    def passed(self, places: Iterable[Passed]) -> tuple[list[UnitOfWork], list[Hold]]:
        """Return the jobs that took a place over, and the places of those that need another one, or more."""
        jobs: list[UnitOfWork] = []
        self._sent, unfit = [], []
        for hold, queue, raw in places:
            jobs.append(job := UnitOfWork(queue, raw))
            if features.takes_over(job, hold):
                job.hold(hold)
                job.note_answer(None)
            else:
                unfit.append(hold)
        return jobs, unfit

    def lost(self) -> None:
        """Note that Redis may not know of the places that were sent."""
        self._sent, self._left = [], self._sent + self._left
