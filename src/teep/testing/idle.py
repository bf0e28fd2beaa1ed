"""Tells whether a worker has run all the jobs that there are."""

from teep.store.jobs import queues
from teep.wire import commands, keys


async def waiting(identity: str) -> dict[str, int] | None:
    """Return how many jobs of each queue wait or are in flight at one process, at one instant; no empty queues.

    None: there is a new queue; look again. Two round trips.
    """
    names = await queues.names()
    known, *lengths = await commands.transaction(
        commands.smembers(keys.queues()),
        *(commands.llen(key) for name in names for key in (keys.queue(name), keys.inflight(name, identity))),
    )
    if sorted(known) != names:
        return None
    counts = zip(names, lengths[::2], lengths[1::2], strict=True)
    return {name: queued + in_flight for name, queued, in_flight in counts if queued + in_flight}
