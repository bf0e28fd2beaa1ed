"""A run as a value: its job, and how it ended. Settling and telling go by its state alone.

A run goes through these stages, each a few lines, alike for `def` and `async def` jobs but for the call:

| stage | where | does |
|---|---|---|
| begin | `processor` | shows the job as running, enters its log level, logs "start" |
| enter | `processor` | within what can be interrupted: refuses what cannot run, watches its timeout |
| call | `processor` | the server middleware, and the job's code |
| classify | here | decides how it ended |
| settle | `settling` | notes for the next exchange what becomes of the job |
| tell | `observers` | counts, logs, calls handlers, through `teep.runtime.notices` |
| leave | `processor` | shows it as running no more, leaves its log level, ends its watch |
"""

import asyncio
from dataclasses import dataclass
from enum import Enum

from teep import tracebacks
from teep.errors import JobCancelled, JobTimeout, Shutdown
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.failure import Ending


class State(Enum):
    """What a run has come to."""

    STARTED = "it has not ended yet"
    DONE = "it returned"
    OVER = "an iterable job that does not go on"
    INTERRUPTED = "an iterable job that goes on later"
    CANCELLED = "it was cancelled, and has ended, however it did"
    FAILED = "it raised, or had no code to call"
    MALFORMED = "bytes that are no job"
    PUT_BACK = "a stop ended it; it is back in its queue already"


@dataclass(slots=True)
class Run:
    """One run of one job. Its start and its end are told of by a value each, of the same `job`.

    `seconds` is how long it took, and `error` what it raised, once it has ended. `ending` is what becomes of a job
    that failed, known once it is settled.
    """

    job: UnitOfWork
    thread_id: str
    state: State
    seconds: float = 0.0
    error: BaseException | None = None
    ending: Ending | None = None


def state_of(job: UnitOfWork, error: BaseException | None, *, is_stopped: bool) -> State:
    """Return how a job's run ended; the first state that is true of it counts."""
    if error is not None:
        if is_stopped and is_told_to_end(error):
            return State.PUT_BACK
        if job.item is None:
            return State.MALFORMED
        if not job.is_cancelled:
            return State.FAILED
    if job.is_cancelled:
        return State.CANCELLED
    if job.comes_again is None:
        return State.DONE
    return State.INTERRUPTED if job.comes_again else State.OVER


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
    """Return the failure of a job whose time was up: it says so, for an `async def` job as for a `def` job."""
    sentence = f"the job ran longer than its timeout of {seconds:g} s"
    if type(error) is JobTimeout:
        error.args = (sentence,)
    elif issubclass(type(error), asyncio.CancelledError):
        cancelled = error
        error = JobTimeout(sentence).with_traceback(tracebacks.traceback_of(cancelled))
        error.__cause__ = cancelled
    return error
