"""Looking for the jobs of a batch: those that are nowhere were deleted by a program that tells no batch.

And Redis may have refused to tell a batch that a job is dead: that shows here, too.

A job that moves while it is looked for could be missed, so each is looked for three times.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, repeat
from typing import Protocol

from teep.store import batches, compact, processes, workflows
from teep.store.jobs import jobsets, locate, queues
from teep.store.running import owners
from teep.wire import commands, keys, scripts
from teep.wire.stored import Stored

_TIMES = 3
# An in-flight list holds the few jobs that one process runs and has reserved ahead, so it is read at once.
_WHOLE = 100_000

Progress = Callable[[int, int], object]


class See(Protocol):
    """Is shown a job, and whether it lies in the dead set."""

    def __call__(self, job: Stored, *, is_dead: bool = False) -> None: ...


async def reconcile(bid: str, on_progress: Progress | None = None) -> list[str]:
    """Tell a batch what has become of its pending jobs: those that are nowhere are over. Then it decides.

    Returns their jids, and of those that it knows by an index, the indices.

    Costs a search for each job that it knows by its jid: some round trips, and a look through every queue and set
    (see `locate.find`). Of those that it knows by an index all that lie anywhere are read, up to three times. After
    each search, or each reading, `on_progress` hears how many of how many that was.
    """
    told = on_progress or _nobody
    gone = [*await _by_jid(bid, told), *await _by_index(bid, told)]
    await batches.decide(bid)
    return gone


def _nobody(_done: int, _total: int) -> None:
    """Nobody wants to know."""


async def _by_jid(bid: str, told: Progress) -> list[str]:
    missing, buried = await batches.members(bid, "pending"), set[str]()
    total, looked_for = len(missing), 0
    for _ in range(_TIMES):
        sought, missing = missing, []
        for jid in sought:
            place = await locate.find(jid)
            if place is None:
                missing.append(jid)
            elif place.where == "dead":
                buried.add(jid)
            looked_for += 1
            told(min(looked_for, total), total)
    still = set(await batches.members(bid, "pending")) if missing else set()
    gone = [jid for jid in missing if jid in still]
    untold = buried.difference(await batches.members(bid, "dead")) if buried else set[str]()
    if gone or untold:
        nodes = await workflows.nodes_of(bid)
        await batches.ended_without_word(bid, [(jid, None, nodes.get(jid)) for jid in gone], "deleted")
        await batches.ended_without_word(bid, [(jid, None, nodes.get(jid)) for jid in sorted(untold)], "dead")
    return gone


async def _by_index(bid: str, told: Progress) -> list[str]:
    missing = await compact.pending(bid)
    failed = await _failed_by_index(bid) if any(missing) else set[str]()
    buried: dict[str, int] = {}

    def see(job: Stored, *, is_dead: bool = False) -> None:
        if job.fields.get(batches.FIELD) == bid:
            failed.discard(str(job.jid))
            if (index := compact.index_of(job.fields)) is not None:
                compact.clear(missing, index)
                if is_dead:
                    buried[str(job.jid)] = index

    for times in range(_TIMES):
        if any(missing):
            await _each(bid.encode(), see)
            told(times + 1, _TIMES)
    await _tell_of_dead(bid, buried)
    if not any(missing):
        return []
    still = await compact.pending(bid)
    gone = compact.indices(bytes(one & other for one, other in zip(missing, still, strict=False)))
    failed &= await _failed_by_index(bid)
    # Which jid had which index nobody knows any more, nor needs to: all of both are gone.
    jids = chain(failed, repeat(""))
    jobs = [(jid, index, None) for jid, index in zip(jids, gone, strict=False)]
    await batches.ended_without_word(bid, jobs, "deleted")
    return [str(index) for index in gone]


async def _tell_of_dead(bid: str, buried: Mapping[str, int]) -> None:
    untold = buried.keys() - set(await batches.members(bid, "dead")) if buried else set[str]()
    await batches.ended_without_word(bid, [(jid, buried[jid], None) for jid in sorted(untold)], "dead")


async def _failed_by_index(bid: str) -> set[str]:
    return set(await batches.members(bid, "failed")) - set(await batches.members(bid, "pending"))


async def _each(needle: bytes, see: See) -> None:
    """Show each job that holds a word, wherever it is: in flight once more at the end, as `locate.find` does."""
    await _in_flight(needle, see)
    for queue in await queues.names():
        walk = queues.Walk(queue, needles=(needle,))
        while (raws := await walk.next()) is not None:
            _show(raws, see)
    for key in (keys.schedule(), keys.retry(), keys.dead()):
        entries = jobsets.Walk(key, needles=(needle,))
        while (some := await entries.next()) is not None:
            for raw, _ in some:
                see(Stored(raw), is_dead=key == keys.dead())
    await _in_flight(needle, see)
    _show((work.payload for work in await processes.running()), see)  # at Ruby processes, too


async def _in_flight(needle: bytes, see: See) -> None:
    lists = [keys.inflight(queue, owner.identity) for owner in await owners.registered() for queue in owner.queues]
    for raws in await commands.pipeline_of(scripts.search(key, needle, 0, _WHOLE) for key in lists):
        _show(raws, see)


def _show(raws: Iterable[bytes], see: See) -> None:
    for raw in raws:
        see(Stored(raw))
