"""The outcome of a job, by the state of its run. Each is written from the job's stored bytes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from teep.config import Config
from teep.job import again
from teep.store import features
from teep.store.running import outcome
from teep.store.running.outcome import Outcome
from teep.wire import keys, payload
from teep.wire.scripts.step import Part
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.failure import failure
from teep.worker.run.run import Run, State

# The most bytes of parts that ride in an exchange, which may settle a thousand jobs.
_RIDES = 1_000


def settle(config: Config, fetcher: Fetcher, run: Run) -> None:
    """Note the outcome of a job whose run has ended, for the next exchange."""
    if (end_of := _ENDS.get(run.state)) is None:
        return
    end = end_of(config, run)
    if end is not None:
        fetcher.ended(run.job, end)
    elif not run.job.along:
        fetcher.done(run.job)
    elif run.state is State.CANCELLED:
        fetcher.done_along(run.job)
    else:
        succeeded(fetcher, run.job, run.value)


def succeeded(fetcher: Fetcher, job: UnitOfWork, value: Any) -> None:
    """Note that a job with parts that go along has returned a value. Large parts take a step of their own."""
    along = features.returned(job.along, value, job)
    if along is not job.along:
        job.along = along
        if outcome.along_size(along) > _RIDES:
            fetcher.done_apart(job)
            return
    fetcher.done_along(job)


def _done(_config: Config, _run: Run) -> None:
    """Acknowledge it."""


def _over(_config: Config, run: Run) -> None:
    """Remove the saved place of an iterable job in the step that acknowledges it.

    If the place were removed earlier and the process then crashed, the next run would begin anew.
    """
    job = run.job
    job.ends_with(Part("UNLINK", keys.iteration(str(job.stored().get("jid", "")))))


def _interrupted(config: Config, run: Run) -> Outcome:
    """Let an iterable job go on later, at the end of its queue, without counting an attempt."""
    job = run.job
    after = payload.queued(job.stored(), time.time(), config.timestamps)
    after["queue"] = job.queue
    after.pop("rescues", None)  # this run ended in order, so the job does not kill processes
    return outcome.behind(job.queue, job.raw, payload.serialise(after))


def _cancelled(config: Config, run: Run) -> Outcome | None:
    """Acknowledge it as if it were done; of an iterable job, remove the saved place, too.

    One that is watched has not succeeded, so what goes along is told of that.
    """
    job = run.job
    if features.on_end(job.raw, "cancelled"):
        place = keys.iteration(str(job.stored().get("jid", ""))) if _keeps_a_place(job) else None
        return outcome.over(job.queue, job.raw, "cancelled", place)._replace(counted="done")
    if _keeps_a_place(job):
        _over(config, run)
    return None


def _rescheduled(_config: Config, run: Run) -> Outcome:
    """Let a job that ran into a limit, or asked for it, come again without counting an attempt."""
    job = run.job
    if run.error is None:
        raise TypeError("a run that was rescheduled has its error")
    item, seconds = again.later(job.stored(), run.error)
    item["queue"] = job.queue
    item.pop("rescues", None)  # this run ended in order, so the job does not kill processes
    due = time.time() + seconds
    return Outcome(job.queue, job.raw, keys.schedule(), due, payload.serialise(item), counted="done")


def _failed(config: Config, run: Run) -> Outcome:
    if run.error is None:
        raise TypeError("a run that failed has an error")
    run.ending = failure.ending_of(config, run.job, run.error, time.time())
    run.error = run.ending.error
    return run.ending.outcome


def _malformed(_config: Config, run: Run) -> Outcome:
    return failure.malformed(run.job, time.time())


def _keeps_a_place(job: UnitOfWork) -> bool:
    return job.definition is not None and job.definition.is_iterable


# None is the outcome of a job that is acknowledged, with the parts that go along.
# A job that a stop has returned to its queue has no entry: it is no longer in flight.
_ENDS: Mapping[State, Callable[[Config, Run], Outcome | None]] = {
    State.DONE: _done,
    State.OVER: _over,
    State.INTERRUPTED: _interrupted,
    State.CANCELLED: _cancelled,
    State.RESCHEDULED: _rescheduled,
    State.SNOOZED: _rescheduled,
    State.FAILED: _failed,
    State.MALFORMED: _malformed,
}
