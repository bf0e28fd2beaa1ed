"""Finding a job wherever it is."""

from typing import Literal, NamedTuple

from teep.store import processes
from teep.store.jobs import jobsets, queues
from teep.store.running import owners
from teep.wire import commands, keys, payload, scripts
from teep.wire.keys import Key
from teep.wire.stored import Stored

Where = Literal["working", "queued", "scheduled", "retrying", "dead"]

# An in-flight list holds the few jobs that one process runs and has reserved ahead, so it is read at once.
_WHOLE = 100_000


class JobPlace(NamedTuple):
    """A job's place: its payload, and the queue it came from or lies in; in a set, its key and score."""

    where: Where
    raw: bytes
    queue: str
    key: Key
    score: float | None


async def find(jid: str) -> JobPlace | None:
    """Return a job's place, or None if it is nowhere."""
    # In flight once more at the end: a worker may have taken it while the other places were searched.
    for place in (in_flight, _queued, _in_sets, in_flight, _at_ruby):
        if (found := await place(jid)) is not None:
            return found
    return None


def has_jid(raw: bytes, jid: str) -> bool:
    """Tell whether a payload is the job with this jid; others may hold it too, such as in their arguments."""
    return Stored(raw).jid == jid


async def in_flight(jid: str) -> JobPlace | None:
    """Return a job that a teep process has taken, or None. Two round trips."""
    registered = await owners.registered()
    lists = [(queue, keys.inflight(queue, owner.identity)) for owner in registered for queue in owner.queues]
    found = await commands.pipeline_of(scripts.search(key, payload.jid_bytes(jid), 0, _WHOLE) for _, key in lists)
    for (queue, key), raws in zip(lists, found, strict=True):
        for raw in raws:
            if has_jid(raw, jid):
                return JobPlace("working", raw, queue, key, None)
    return None


async def _at_ruby(jid: str) -> JobPlace | None:
    """Search the last heartbeats of Sidekiq's processes; for teep's own, `in_flight` is more exact."""
    ours = {owner.identity for owner in await owners.registered()}
    for work in await processes.running():
        if work.identity not in ours and has_jid(work.payload, jid):
            return JobPlace("working", work.payload, work.queue, keys.work(work.identity), None)
    return None


async def _queued(jid: str) -> JobPlace | None:
    for queue in await queues.names():
        raw = await queues.find(queue, jid, lambda raw: has_jid(raw, jid))
        if raw is not None:
            return JobPlace("queued", raw, queue, keys.queue(queue), None)
    return None


async def _in_sets(jid: str) -> JobPlace | None:
    sets: tuple[tuple[Where, Key], ...] = (
        ("scheduled", keys.schedule()),
        ("retrying", keys.retry()),
        ("dead", keys.dead()),
    )
    for where, key in sets:
        entry = await jobsets.find(key, jid, lambda raw: has_jid(raw, jid))
        if entry is not None:
            return JobPlace(where, entry[0], "", key, entry[1])
    return None
