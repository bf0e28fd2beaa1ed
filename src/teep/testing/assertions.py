"""Assertions on enqueued jobs: in `fake()` those that it has collected, otherwise those in Redis."""

from typing import Unpack

from teep.api import Queue, ScheduledSet
from teep.client.delivery.test_mode import current
from teep.errors import NotHere
from teep.testing.collecting.collected import Jobs
from teep.testing.collecting.enqueued import EnqueuedJob
from teep.testing.collecting.matching import Criteria, SomeJob, Wanted

# How many jobs a failure lists.
_LISTED = 20


def all_enqueued(job: SomeJob | None = None, /, **criteria: Unpack[Criteria]) -> list[EnqueuedJob]:
    """Return the enqueued jobs that fit, in the order in which they were pushed; without `job`, of any class.

    Outside of `fake()` it reads every queue and the scheduled set of the process-wide configuration's Redis.

    Raises:
        NotHere: inside of `inline()`, where jobs run at once.
    """
    wanted = Wanted(job, criteria)
    return [candidate for candidate in _enqueued() if wanted.fits(candidate)]


def assert_enqueued(job: SomeJob | None = None, /, **criteria: Unpack[Criteria]) -> EnqueuedJob:
    """Assert that a job like this was enqueued, and return the first; see `all_enqueued`.

    Raises:
        AssertionError: there is none; it lists the jobs that were enqueued.
    """
    __tracebackhide__ = True
    wanted = Wanted(job, criteria)
    enqueued = _enqueued()
    for candidate in enqueued:
        if wanted.fits(candidate):
            return candidate
    raise AssertionError(f"not enqueued: {wanted}\n{_listing(enqueued)}")


def refute_enqueued(job: SomeJob | None = None, /, **criteria: Unpack[Criteria]) -> None:
    """Assert that no job like this was enqueued; see `all_enqueued`.

    Raises:
        AssertionError: there is one; it lists those that fit.
    """
    __tracebackhide__ = True
    wanted = Wanted(job, criteria)
    if fitting := [candidate for candidate in _enqueued() if wanted.fits(candidate)]:
        raise AssertionError(f"enqueued after all: {wanted}\n{_listing(fitting)}")


def _enqueued() -> list[EnqueuedJob]:
    redirect = current()
    if redirect is None:
        return _in_redis()
    if isinstance(redirect, Jobs):
        return list(redirect)
    raise NotHere("inside of inline() jobs run at once, so none is enqueued; use fake()")


def _in_redis() -> list[EnqueuedJob]:
    """Return the jobs that wait in Redis. Queues are read from their newest end."""
    waiting = [EnqueuedJob(job.raw) for queue in Queue.all() for job in reversed(list(queue))]
    return waiting + [EnqueuedJob(entry.raw, entry.score) for entry in ScheduledSet()]


def _listing(jobs: list[EnqueuedJob]) -> str:
    if not jobs:
        return "nothing is enqueued"
    lines = [f"{number}. {job}" for number, job in enumerate(jobs[:_LISTED], 1)]
    if len(jobs) > _LISTED:
        lines.append(f"and {len(jobs) - _LISTED} more")
    return "\n".join(["what is enqueued:", *lines])
