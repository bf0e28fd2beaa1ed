"""Writes a job's expiry at its push, and drops the job if that has passed before it runs."""

import time

from teep.errors import RedisError
from teep.features.expiry import times
from teep.store.feature import Barred, Feature, Pushing, Unit
from teep.store.running import iteration, outcome
from teep.wire.payload import Item
from teep.wire.scripts.step import Parts


class Expiry(Feature):
    """The option `expires_in`.

    An expired job is removed, and counts as processed and as expired. Death handlers are not called, since nothing
    failed. An iterable job that began in time goes on.
    """

    name = "expiry"
    option = "expires_in"
    stamps = times.FIELD
    restamps = True
    before = frozenset({"expires_in"})

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        return times.expiring(item, pushing.now, pushing.unit), Parts()

    async def admit(self, unit: Unit, item: Item) -> Barred | None:
        """Return the outcome of a job that is too late, or None. Costs one round trip if the job may be iterable."""
        at = times.expiry(item)
        if at is None or time.time() < at or (unit.may_have_begun and await _has_begun(unit)):
            return None
        return Barred(outcome.over(unit.queue, unit.raw, "expired"), "expired")


async def _has_begun(unit: Unit) -> bool:
    """Tell whether a job has a saved place."""
    if unit.jid is None:
        return False
    try:
        state = await iteration.state(unit.jid)
    except RedisError:
        return True  # unknown: the run asks again, and the job returns to its queue if there is no answer then either
    return state is not None and state.executions > 0
