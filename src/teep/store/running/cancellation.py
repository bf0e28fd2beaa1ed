"""Cancelling a job wherever it is: every process is told, then the job is removed from the sets and queues.

Ruby's processes cannot be told, but their iterable jobs look for a mark now and then, so one is left first.
In this order no job escapes. One that waits is found where it lies: sets are searched before queues, as jobs move
that way. One that a process has taken meanwhile, or takes later, meets the cancellation there.
"""

from functools import partial
from typing import Literal

from teep.store.jobs import jobsets, locate, queues
from teep.store.running import iteration, owners
from teep.wire import commands, keys
from teep.wire.keys import Key

Where = Literal["working", "queued", "scheduled", "retrying"]

# Seconds after which a message expires that no process took: by then its process counts as dead.
EXPIRY = 60


async def cancel(jid: str, now: int) -> Where | None:
    """Cancel a job and return where it was found, or None: it is nowhere, or runs in a Ruby process.

    Five round trips to tell the processes, then one or two per set and queue, more if they are long.
    """
    await iteration.cancel(jid, now)
    running = await locate.in_flight(jid) is not None
    lists = [keys.cancels(owner.identity) for owner in await owners.registered()]
    await commands.pipeline_of(
        command for key in lists for command in (commands.lpush(key, jid), commands.expire(key, EXPIRY))
    )
    waiting = await _remove(jid)
    if running or (waiting is None and await locate.in_flight(jid) is not None):
        return "working"
    if waiting is not None:
        await iteration.forget(jid)
    return waiting


async def _remove(jid: str) -> Where | None:
    is_it = partial(locate.has_jid, jid=jid)
    found: Where | None = None
    sets: tuple[tuple[Where, Key], ...] = (("scheduled", keys.schedule()), ("retrying", keys.retry()))
    for where, key in sets:
        entry = await jobsets.find(key, jid, is_it)
        if entry is not None and await jobsets.delete(key, entry[0]):
            found = where
    for queue in await queues.names():
        raw = await queues.find(queue, jid, is_it)
        if raw is not None and await queues.delete(queue, raw):
            found = "queued"
    return found
