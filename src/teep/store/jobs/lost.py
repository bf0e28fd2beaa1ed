"""Looking for the jobs of a batch: those that are nowhere were deleted by a program that tells no batch.

And Redis may have refused to tell a batch that a job is dead: that shows here, too.

A job that moves while it is looked for could be missed, so each is looked for three times.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, repeat
from typing import NamedTuple, Protocol

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


class _Search:
    """Up to three looks for each job of a batch: how far they are, and whether they go on."""

    def __init__(self, jobs: int, told: Progress | None) -> None:
        self._jobs, self._told = jobs, told
        self._looks = 0

    def goes_on(self, looks: int) -> bool:
        """Note looks that were taken, or are not needed any more. False: someone stopped it before the last one."""
        self._looks += looks
        done = self._looks // _TIMES
        return self._told is None or self._told(done, self._jobs) is not False or done >= self._jobs


async def reconcile(bid: str, on_progress: Progress | None = None) -> list[str]:
    """Tell a batch what has become of its pending jobs: those that are nowhere are over. Then it decides.

    Returns their jids, and of those that it knows by an index, the indices.

    Costs a search for each job that it knows by its jid: some round trips, and a look through every queue and set
    (see `locate.find`). Of those that it knows by an index all that lie anywhere are read, up to three times. After
    each search, or each reading, `on_progress` hears how many jobs were looked for, of how many. If it returns False,
    the batch is told nothing: a job that was not looked for three times may lie somewhere.
    """
    jids, bits = await batches.members(bid, "pending"), await compact.pending(bid)
    search = _Search(len(jids) + int.from_bytes(bits, "big").bit_count(), on_progress)
    by_jid = await _seek_jids(jids, search)
    by_index = None if by_jid is None else await _seek_indices(bid, bits, search)
    if by_jid is None or by_index is None:
        return []
    gone = [*await _tell_of_jids(bid, by_jid), *await _tell_of_indices(bid, by_index)]
    await batches.decide(bid)
    return gone


class _Jids(NamedTuple):
    """Jobs that were nowhere, and that were in the dead set."""

    missing: list[str]
    buried: set[str]


async def _seek_jids(jids: list[str], search: _Search) -> _Jids | None:
    """Look for jobs by their jids; None: someone stopped it."""
    missing, buried = jids, set[str]()
    for times in range(_TIMES):
        sought, missing = missing, []
        for jid in sought:
            place = await locate.find(jid)
            if place is None:
                missing.append(jid)
            elif place.where == "dead":
                buried.add(jid)
            if not search.goes_on(1 if place is None else _TIMES - times):
                return None
    return _Jids(missing, buried)


async def _tell_of_jids(bid: str, found: _Jids) -> list[str]:
    still = set(await batches.members(bid, "pending")) if found.missing else set()
    gone = [jid for jid in found.missing if jid in still]
    untold = found.buried.difference(await batches.members(bid, "dead")) if found.buried else set[str]()
    if gone or untold:
        nodes = await workflows.nodes_of(bid)
        await batches.ended_without_word(bid, [(jid, None, nodes.get(jid)) for jid in gone], "deleted")
        await batches.ended_without_word(bid, [(jid, None, nodes.get(jid)) for jid in sorted(untold)], "dead")
    return gone


class _Indices(NamedTuple):
    """The bits of jobs that were nowhere, failed jobs that were nowhere, and which index dead ones have."""

    missing: bytearray
    failed: set[str]
    buried: dict[str, int]


async def _seek_indices(bid: str, missing: bytearray, search: _Search) -> _Indices | None:
    """Look for the jobs of some bits, and clear those of what is found; None: someone stopped it."""
    failed = await _failed_by_index(bid) if any(missing) else set[str]()
    buried: dict[str, int] = {}

    def see(job: Stored, *, is_dead: bool = False) -> None:
        if job.fields.get(batches.FIELD) == bid:
            failed.discard(str(job.jid))
            if (index := compact.index_of(job.fields)) is not None:
                compact.clear(missing, index)
                if is_dead:
                    buried[str(job.jid)] = index

    jobs = int.from_bytes(missing, "big").bit_count()
    for times in range(_TIMES):
        if any(missing):
            await _each(bid.encode(), see)
            if not search.goes_on(jobs if any(missing) else jobs * (_TIMES - times)):
                return None
    return _Indices(missing, failed, buried)


async def _tell_of_indices(bid: str, found: _Indices) -> list[str]:
    await _tell_of_dead(bid, found.buried)
    if not any(found.missing):
        return []
    still = await compact.pending(bid)
    gone = compact.indices(bytes(one & other for one, other in zip(found.missing, still, strict=False)))
    failed = found.failed & await _failed_by_index(bid)
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
