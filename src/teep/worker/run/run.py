"""A run as a value: its job, and how it ended. Only its state decides how it is settled and reported.

A run goes through these stages of a few lines each. All but the call are the same for `def` and `async def` jobs.

| stage | where | does |
|---|---|---|
| begin | `processor` | shows the job as running, enters its log level, logs "start" |
| enter | `processor` | may be interrupted from here on: refuses a job that cannot run, watches its timeout |
| call | `processor` | the server middleware, and the job's code |
| classify | here | decides how it ended |
| settle | `settling` | notes the job's outcome for the next exchange |
| tell | `observers` | counts, logs, calls handlers, through `teep.runtime.notices` |
| leave | `processor` | shows it as running no more, leaves its log level, ends its watch |
"""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any

from teep import tracebacks
from teep.errors import JobCancelled, JobTimeout, Shutdown
from teep.job import again
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.failure.failure import Ending


class State(Enum):
    """The state of a run: it has started, or how it has ended."""

    STARTED = "it has not ended yet"
    DONE = "it returned"
    OVER = "an iterable job that does not go on"
    INTERRUPTED = "an iterable job that goes on later"
    CANCELLED = "it was cancelled, and has ended, however it did"
    RESCHEDULED = "it ran into a limit, and comes again later"
    SNOOZED = "it asked to come again later"
    FAILED = "it raised, or had no code to call"
    MALFORMED = "bytes that are no job"
    PUT_BACK = "a stop ended it; it is back in its queue already"


@dataclass(slots=True)
class Run:
    """One run of one job. Its start and its end are reported by a value each, with the same `job`.

    Once it has ended, `seconds` is how long it took and `error` the exception that it raised. `ending` is the outcome
    of a job that failed, known once it is settled. `value` is what it returned.
    """

    job: UnitOfWork
    thread_id: str
    state: State
    seconds: float = 0.0
    error: BaseException | None = None
    ending: Ending | None = None
    value: Any = None


def state_of(job: UnitOfWork, error: BaseException | None, *, is_stopped: bool) -> State:
    """Return how a job's run ended; the first state that applies counts."""
    if error is not None:
        if is_stopped and is_told_to_end(error):
            return State.PUT_BACK
        if job.item is None:
            return State.MALFORMED
        if not job.is_cancelled:
            return _of_error(job, error)
    if job.is_cancelled:
        return State.CANCELLED
    if job.comes_again is None:
        return State.DONE
    return State.INTERRUPTED if job.comes_again else State.OVER


def _of_error(job: UnitOfWork, error: BaseException) -> State:
    if not again.comes_again(job.stored, error):
        return State.FAILED
    return State.SNOOZED if again.is_snooze(error) else State.RESCHEDULED


def is_told_to_end(error: BaseException | None) -> bool:
    """Tell whether an exception is the process's stop or the job's cancellation, or was raised because of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if issubclass(type(error), (Shutdown, JobCancelled, asyncio.CancelledError)):
            return True
        seen.add(id(error))
        error = tracebacks.led_to_by(error)
    return False


def explained(error: BaseException, seconds: float) -> BaseException:
    """Return the error of a job that ran into its timeout: a JobTimeout for both `def` and `async def` jobs."""
    sentence = f"the job ran longer than its timeout of {seconds:g} s"
    if type(error) is JobTimeout:
        error.args = (sentence,)
    elif issubclass(type(error), asyncio.CancelledError):
        cancelled = error
        error = JobTimeout(sentence).with_traceback(tracebacks.traceback_of(cancelled))
        error.__cause__ = cancelled
    return error
