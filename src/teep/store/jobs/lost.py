"""Looking for the jobs of a batch: one that is nowhere was deleted by a program that tells no batch.

And Redis may have refused to tell a batch that a job is dead: that shows here, too.
"""

from teep.store import batches, workflows
from teep.store.jobs import locate


async def reconcile(bid: str) -> list[str]:
    """Tell a batch what has become of its pending jobs: those that are nowhere are over; returns their jids.

    A job that moves while it is looked for could be missed, so it is looked for three times. A search each costs
    some round trips and a look through every queue and set: see `locate.find`.
    """
    missing, buried = await batches.members(bid, "pending"), set[str]()
    for _ in range(3):
        places = {jid: await locate.find(jid) for jid in missing}
        missing = [jid for jid, place in places.items() if place is None]
        buried |= {jid for jid, place in places.items() if place is not None and place.where == "dead"}
    still = set(await batches.members(bid, "pending")) if missing else set()
    gone = [jid for jid in missing if jid in still]
    untold = buried.difference(await batches.members(bid, "dead")) if buried else set[str]()
    if gone or untold:
        nodes = await workflows.nodes_of(bid)
        await batches.ended_without_word(bid, {jid: nodes.get(jid) for jid in gone}, "deleted")
        await batches.ended_without_word(bid, {jid: nodes.get(jid) for jid in sorted(untold)}, "dead")
    return gone
