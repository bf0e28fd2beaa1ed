"""Matches jobs with a test's criteria: class, arguments (perhaps in part), queue and time."""

from datetime import datetime, timedelta
from typing import Any, TypedDict

from teep.client.times import due, epoch
from teep.errors import UnknownCondition
from teep.job import Job, Verbs, classes
from teep.testing.collecting.enqueued import EnqueuedJob
from teep.wire.partial import matches

# A job in either form, or its name on the wire, such as "SomeRubyWorker".
SomeJob = Verbs[...] | type[Job] | str


class Criteria(TypedDict, total=False):
    """Criteria of a test for a job, beside its class; one that is left out matches any job.

    `args`: the arguments as they came out of JSON, and `kwargs`: the keyword-only ones; both perhaps in part, see
    `teep.wire.partial.matches`. Plain values are compared by `==`, so that `unittest.mock.ANY` and its like work.
    `queue`: the queue's name. `at`: when it is due, a datetime, a timedelta or seconds from now, or epoch seconds;
    None: it waits in its queue. `within`: the seconds that `at` may be off, 1 by default.
    """

    args: Any
    kwargs: Any
    queue: str
    at: datetime | timedelta | float | None
    within: float


class Wanted:
    """The jobs that a test looks for."""

    def __init__(self, job: SomeJob | None, criteria: Criteria) -> None:
        if unknown := criteria.keys() - Criteria.__annotations__:
            raise UnknownCondition(f"{', '.join(sorted(unknown))}: there are {', '.join(Criteria.__annotations__)}")
        self._name = None if job is None else name_of(job)
        self._criteria = criteria
        at = criteria.get("at", ...)
        self._at = at if at is None or at is ... else _moment(at)
        self._within = criteria.get("within", 1.0)

    def fits(self, job: EnqueuedJob) -> bool:
        """Tell whether a job matches."""
        return (
            self._name in (None, job.klass)
            and matches(self._criteria.get("args", ...), job.args)
            and matches(self._criteria.get("kwargs", ...), job.kwargs)
            and matches(self._criteria.get("queue", ...), job.queue)
            and self._fits_time(job.score)
        )

    def _fits_time(self, score: float | None) -> bool:
        if self._at is ...:
            return True
        if self._at is None or score is None:
            return self._at is score
        return abs(self._at - score) <= self._within

    def __str__(self) -> str:
        return " ".join([self._name or "any job", *(f"{name}={value!r}" for name, value in self._criteria.items())])


def name_of(job: SomeJob) -> str:
    """Return a job's name on the wire."""
    return job if isinstance(job, str) else classes.name_of(job)


def _moment(at: datetime | timedelta | float) -> float:
    return epoch(at) if isinstance(at, datetime) else due(at)
