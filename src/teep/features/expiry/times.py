"""The time from which it is too late for a job."""

from collections.abc import Mapping
from typing import Any

from teep.wire import options, payload
from teep.wire.payload import Item

# The payload's field with the time from which on the job must not run, named as Sidekiq Pro's is said to be.
FIELD = "expiry"

# A whole number below this is seconds instead of milliseconds: as milliseconds it would lie before 1974.
_FIRST_MILLISECONDS = 100_000_000_000


def expiring(item: Item, now: float, unit: payload.TimeUnit) -> Item:
    """Return the payload of a pushed job, with the time of its expiry if it has `expires_in`.

    The seconds count from the time when it is due. The time is set once, so a retry expires when the job would have.
    """
    allowed = options.seconds(item.get("expires_in"))
    if allowed is None or item.get(FIELD) is not None:
        return item
    return item | {FIELD: payload.stamp(max(now, item.get("at") or now) + allowed, unit)}


def expiry(item: Mapping[str, Any]) -> float | None:
    """Return the epoch seconds from which a job must not run any more, or None if it may run at any time.

    Without `expires_in` there is no expiry. With it alone, as a Sidekiq that does not know it would push it, the
    seconds count from the time when the job was enqueued.
    """
    allowed = options.seconds(item.get("expires_in"))
    if allowed is None:
        return None
    at = item.get(FIELD)
    if type(at) is int and 0 <= at < _FIRST_MILLISECONDS:
        return float(at)
    if (known := payload.read_stamp(at)) is not None:
        return known
    enqueued = payload.read_stamp(item.get("enqueued_at"))
    return None if enqueued is None else enqueued + allowed
