"""The outcome of a job, by the state of its run. Each is written from the job's stored bytes."""

import time
from collections.abc import Callable, Mapping

from teep.config import Config
from teep.store.running import outcome
from teep.store.running.outcome import Outcome
from teep.wire import keys, payload
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run import failure
from teep.worker.run.run import Run, State


def settle(config: Config, fetcher: Fetcher, run: Run) -> None:
    """Note the outcome of a job whose run has ended, for the next exchange."""
    if (end_of := _ENDS.get(run.state)) is None:
        return
    end = end_of(config, run)
    if end is None:
        fetcher.done(run.job)
    else:
        fetcher.ended(run.job, end)


def done_along(job: UnitOfWork) -> Outcome:
    """Return the outcome of a done job with step parts of a feature."""
    return outcome.over(job.queue, job.raw, "done", along=job.asks.along)


def _done(_config: Config, run: Run) -> Outcome | None:
    """Return the outcome of a done job, or None if an acknowledgement is enough."""
    return done_along(run.job) if run.job.is_special and run.job.asks.along else None


def _over(_config: Config, run: Run) -> Outcome:
    """Remove the saved place of an iterable job in the step that acknowledges it.

    If the place were removed earlier and the process then crashed, the next run would begin anew.
    """
    job = run.job
    return outcome.over(job.queue, job.raw, "done", keys.iteration(str(job.stored().get("jid", ""))))


def _interrupted(config: Config, run: Run) -> Outcome:
    """Let an iterable job go on later, at the end of its queue, without counting an attempt."""
    job = run.job
    after = payload.queued(job.stored(), time.time(), config.timestamps)
    after["queue"] = job.queue
    after.pop("rescues", None)  # this run ended in order, so the job does not kill processes
    return outcome.behind(job.queue, job.raw, payload.serialise(after))


def _cancelled(config: Config, run: Run) -> Outcome | None:
    """Acknowledge it as if it were done; of an iterable job, remove the saved place, too."""
    return _over(config, run) if _keeps_a_place(run.job) else _done(config, run)


def _failed(config: Config, run: Run) -> Outcome:
    if run.error is None:
        raise TypeError("a run that failed has an error")
    run.ending = failure.ending_of(config, run.job, run.error, time.time())
    return run.ending.outcome


def _malformed(_config: Config, run: Run) -> Outcome:
    return failure.malformed(run.job, time.time())


def _keeps_a_place(job: UnitOfWork) -> bool:
    return job.definition is not None and job.definition.is_iterable


# A job that a stop has returned to its queue has no entry: it is no longer in flight.
_ENDS: Mapping[State, Callable[[Config, Run], Outcome | None]] = {
    State.DONE: _done,
    State.OVER: _over,
    State.INTERRUPTED: _interrupted,
    State.CANCELLED: _cancelled,
    State.FAILED: _failed,
    State.MALFORMED: _malformed,
}
