"""Jobs whose `expires_in` was over before they could run: dropped, as Sidekiq Pro does."""

import logging
import time

from teep.store.inflight import Outcome
from teep.wire import payload
from teep.worker.reserved import Reserved

logger = logging.getLogger("teep.job")


def expired(job: Reserved) -> Outcome | None:
    """Return the end of a job that is too late to run, or None where it may run now.

    It leaves for good, counted as processed and as expired; death handlers do not hear of it, since nothing failed.
    """
    expiry = None if job.item is None else payload.expiry(job.item)
    if expiry is None or time.time() < expiry:
        return None
    logger.info("expired", extra=job.named())
    return Outcome(job.queue, job.raw, None, 0.0, b"", counted="expired")
