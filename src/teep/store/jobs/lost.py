"""Looking for the jobs of a batch: those that are nowhere were deleted by a program that tells no batch.

A job that moves while it is looked for could be missed, so each is looked for three times.
"""

from collections.abc import Callable, Iterable
from itertools import chain, repeat

from teep.store import batches, compact, processes
from teep.store.jobs import jobsets, locate, queues
from teep.store.running import owners
from teep.wire import commands, keys, scripts
from teep.wire.stored import Stored

_TIMES = 3
# An in-flight list holds the few jobs that one process runs and has reserved ahead, so it is read at once.
_WHOLE = 100_000


async def reconcile(bid: str) -> list[str]:
    """Tell a batch that those of its pending jobs are over that are nowhere; returns their jids, then their indices.

    Costs a search for each job that it knows by its jid: some round trips, and a look through every queue and set,
    see `locate.find`. Of those that it knows by an index all that lie anywhere are read, up to three times.
    """
    return [*await _by_jid(bid), *await _by_index(bid)]


async def _by_jid(bid: str) -> list[str]:
    missing = await batches.members(bid, "pending")
    for _ in range(_TIMES):
        missing = [jid for jid in missing if await locate.find(jid) is None]
    still = set(await batches.members(bid, "pending")) if missing else set()
    gone = [jid for jid in missing if jid in still]
    await batches.discard(bid, [(jid, None) for jid in gone])
    return gone


async def _by_index(bid: str) -> list[str]:
    missing = await compact.pending(bid)
    failed = await _failed_by_index(bid) if any(missing) else set[str]()

    def see(job: Stored) -> None:
        if job.fields.get(batches.FIELD) == bid:
            failed.discard(str(job.jid))
            if (index := compact.index_of(job.fields)) is not None:
                compact.clear(missing, index)

    for _ in range(_TIMES):
        if any(missing):
            await _each(bid.encode(), see)
    if not any(missing):
        return []
    still = await compact.pending(bid)
    gone = compact.indices(bytes(one & other for one, other in zip(missing, still, strict=False)))
    failed &= await _failed_by_index(bid)
    # Which jid had which index nobody knows any more, nor needs to: all of both are gone.
    jids = chain(failed, repeat(""))
    await batches.discard(bid, list(zip(jids, gone, strict=False)))
    return [str(index) for index in gone]


async def _failed_by_index(bid: str) -> set[str]:
    return set(await batches.members(bid, "failed")) - set(await batches.members(bid, "pending"))


async def _each(needle: bytes, see: Callable[[Stored], None]) -> None:
    """Show each job that holds a word, wherever it is: in flight once more at the end, as `locate.find` does."""
    await _in_flight(needle, see)
    for queue in await queues.names():
        walk = queues.Walk(queue, needles=(needle,))
        while (raws := await walk.next()) is not None:
            _show(raws, see)
    for key in (keys.schedule(), keys.retry(), keys.dead()):
        entries = jobsets.Walk(key, needles=(needle,))
        while (some := await entries.next()) is not None:
            _show((raw for raw, _ in some), see)
    await _in_flight(needle, see)
    _show((work.payload for work in await processes.running()), see)  # at Ruby processes, too


async def _in_flight(needle: bytes, see: Callable[[Stored], None]) -> None:
    lists = [keys.inflight(queue, owner.identity) for owner in await owners.registered() for queue in owner.queues]
    for raws in await commands.pipeline_of(scripts.search(key, needle, 0, _WHOLE) for key in lists):
        _show(raws, see)


def _show(raws: Iterable[bytes], see: Callable[[Stored], None]) -> None:
    for raw in raws:
        see(Stored(raw))
