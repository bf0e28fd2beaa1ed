"""Writes a job's expiry at its push, and drops it where that is over before it runs."""

import time

from teep.errors import RedisError
from teep.features.expiry import times
from teep.store import features
from teep.store.features import Barred, Pushing, Unit
from teep.store.running import iteration, outcome
from teep.wire.payload import Item
from teep.wire.scripts.step import Parts


class Expiry(features.Feature):
    """`expires_in`.

    An expired job leaves for good, counted as processed and as expired; death handlers do not hear of it, since
    nothing failed. An iterable job that began in time goes on.
    """

    name = "expiry"
    option = "expires_in"
    stamps = times.FIELD
    restamps = True
    before = frozenset({"expires_in"})

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        return times.expiring(item, pushing.now, pushing.unit), Parts()

    async def admit(self, unit: Unit) -> Barred | None:
        """Return the end of a job that is too late. For one that may be iterable that costs one round trip."""
        at = times.expiry(unit.stored())
        if at is None or time.time() < at or (unit.may_have_begun and await _has_begun(unit)):
            return None
        return Barred(outcome.over(unit.queue, unit.raw, "expired"), "expired")


async def _has_begun(unit: Unit) -> bool:
    """Tell whether a job has a place to go on from."""
    if unit.jid is None:
        return False
    try:
        state = await iteration.state(unit.jid)
    except RedisError:
        return True  # nobody can tell; the run asks the same, and puts it back where it gets no answer either
    return state is not None and state.executions > 0
