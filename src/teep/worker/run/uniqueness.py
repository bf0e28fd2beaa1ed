"""Unique jobs in a worker: when they give back their lock.

A job that ends otherwise than by success gives it back in the step that moves it, whatever kind it is: see `store`.
"""

from teep.drivers import Driver
from teep.errors import RedisError
from teep.store import locks
from teep.store.inflight import Outcome
from teep.telling import Logger
from teep.worker.fetch.unit import Reserved

logger = Logger("teep")


def started(driver: Driver, job: Reserved) -> None:
    """Give back the lock of a job that is unique until its start. One round trip.

    Where Redis is away the job starts all the same, and gives it back when it ends.
    """
    if job.item is None or job.item.get("unique_until") != "start":
        return
    try:
        driver.run(locks.release([job.raw]))
    except RedisError as error:
        logger.warning("a unique job starts with its lock: %s", error, extra=job.named())


def done(job: Reserved) -> Outcome:
    """Return the end of a unique job that succeeded: its lock goes in the step that acknowledges it."""
    return Outcome(job.queue, job.raw, None, 0.0, b"", counted="done")
