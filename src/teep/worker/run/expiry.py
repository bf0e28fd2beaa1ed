"""Jobs whose `expires_in` was over before they could run: dropped, as Sidekiq Pro does."""

import time

from teep.drivers import Driver
from teep.errors import RedisError
from teep.store import iteration
from teep.store.inflight import Outcome
from teep.wire import payload
from teep.worker.fetch.unit import Reserved


def expired(job: Reserved, driver: Driver) -> Outcome | None:
    """Return the end of a job that is too late to run, or None where it may run now.

    It leaves for good, counted as processed and as expired; death handlers do not hear of it, since nothing failed.
    An iterable job that began in time goes on. That costs one round trip, where it is too late.
    """
    expiry = None if job.item is None else payload.expiry(job.item)
    if expiry is None or time.time() < expiry or _has_begun(job, driver):
        return None
    return Outcome(job.queue, job.raw, None, 0.0, b"", counted="expired")


def _has_begun(job: Reserved, driver: Driver) -> bool:
    """Tell whether a job has a place to go on from. One whose code is not known here may be iterable elsewhere."""
    if job.jid is None or (job.definition is not None and not job.definition.is_iterable):
        return False
    try:
        state = driver.run(iteration.state(job.jid))
    except RedisError:
        return True  # nobody can tell; the run asks the same, and puts it back where it gets no answer either
    return state is not None and state.executions > 0
