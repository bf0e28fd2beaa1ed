"""The outcome of a job that ran into a limit: it comes again later, and no attempt is used."""

import random
from typing import cast

from teep.errors import OverLimit
from teep.store.running.outcome import Outcome
from teep.wire import keys, payload
from teep.wire.payload import Item
from teep.worker.fetch.unit import UnitOfWork

# The payload's field that counts how often it came again for this reason, as Sidekiq Enterprise's is called.
FIELD = "overrated"


def comes_again(job: UnitOfWork, error: BaseException) -> bool:
    """Tell whether a job that raised comes again, since it ran into a limit; else that is an ordinary failure."""
    # Not `isinstance`, which would ask an error that may lie, or raise.
    return issubclass(type(error), OverLimit) and _count(job.stored()) < cast("OverLimit", error).reschedule


def later(job: UnitOfWork, error: OverLimit, now: float) -> Outcome:
    """Return the outcome: the scheduled set, as the job is stored, with one field more."""
    item = job.stored()
    count = item[FIELD] = _count(item) + 1
    item["queue"] = job.queue
    item.pop("rescues", None)  # this run ended in order, so the job does not kill processes
    after = _backoff(count) if error.retry_after is None else error.retry_after
    return Outcome(job.queue, job.raw, keys.schedule(), now + after, payload.serialise(item), counted="done")


def _count(item: Item) -> int:
    count = item.get(FIELD)
    return count if type(count) is int and count > 0 else 0


def _backoff(count: int) -> float:
    """Return Sidekiq's delay in seconds, if no time is known."""
    return 300.0 * count + random.random() * 300.0 + 1.0
