"""Looking for the jobs of a batch: those that are nowhere were deleted by a program that tells no batch."""

from teep.store import batches, workflows
from teep.store.jobs import locate


async def reconcile(bid: str) -> list[str]:
    """Tell a batch that those of its pending jobs are over that are nowhere; returns their jids.

    A job that moves while it is looked for could be missed, so it is looked for three times. A search each costs
    some round trips and a look through every queue and set: see `locate.find`.
    """
    missing = await batches.members(bid, "pending")
    for _ in range(3):
        missing = [jid for jid in missing if await locate.find(jid) is None]
    still = set(await batches.members(bid, "pending")) if missing else set()
    gone = [jid for jid in missing if jid in still]
    if gone:
        nodes = await workflows.nodes_of(bid)
        await batches.discard(bid, {jid: nodes.get(jid) for jid in gone})
    return gone
