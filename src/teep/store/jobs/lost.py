"""Looking for the jobs of a batch: those that are nowhere were deleted by a program that tells no batch."""

from collections.abc import Callable

from teep.store import batches, workflows
from teep.store.jobs import locate


async def reconcile(bid: str, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Tell a batch that those of its pending jobs are over that are nowhere; returns their jids.

    A job that moves while it is looked for could be missed, so it is looked for three times. A search each costs
    some round trips and a look through every queue and set: see `locate.find`. After each, `on_progress` hears how
    many of all were looked for.
    """
    missing = await batches.members(bid, "pending")
    total, looked_for = len(missing), 0
    for _ in range(3):
        sought, missing = missing, []
        for jid in sought:
            if await locate.find(jid) is None:
                missing.append(jid)
            looked_for += 1
            if on_progress is not None:
                on_progress(min(looked_for, total), total)
    still = set(await batches.members(bid, "pending")) if missing else set()
    gone = [jid for jid in missing if jid in still]
    if gone:
        nodes = await workflows.nodes_of(bid)
        await batches.discard(bid, {jid: nodes.get(jid) for jid in gone})
    return gone
