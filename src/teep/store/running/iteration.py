"""The saved progress of iterable jobs: one hash per job."""

from collections.abc import Iterable
from typing import NamedTuple

from teep.wire import commands, keys, scripts
from teep.wire.command import Command

# As long as Sidekiq keeps a state, counted from its first write: longer than a job may wait for a retry.
STATE_SECONDS = 30 * 86_400
# A cancellation without saved progress stays for this long, as most jobs never look for it. An item takes less: a job
# that has saved nothing yet looks after its first one.
CANCELLATION_SECONDS = 3_600
_FIELDS = ("ex", "rt", "c", "cancelled")


class IterationState(NamedTuple):
    """A job's state: its starts, run time (seconds), its cursor's JSON, and when it was cancelled (epoch seconds)."""

    executions: int
    runtime: float
    cursor: bytes | None
    cancelled: int | None


NEVER_RAN = IterationState(0, 0.0, None, None)
"""The state of a job that has saved none."""


async def states(jids: Iterable[str]) -> dict[str, IterationState]:
    """Return the states of those jobs that have one, by jid. One round trip, of one HMGET per job."""
    asked = list(jids)
    rows = await commands.pipeline_of(_read(jid) for jid in asked)
    return {jid: state for jid, row in zip(asked, rows, strict=True) if (state := _state(row)) is not None}


async def begun(jids: Iterable[str]) -> dict[str, IterationState]:
    """Return the same as `states`, for jobs most of which have none. One round trip if none has one, else two.

    It soon gives up if Redis is away, because the fetcher waits for it.
    """
    asked = list(jids)
    return await states(asked) if await commands.exists(*map(keys.iteration, asked), patient=False) else {}


async def state(jid: str) -> IterationState | None:
    """Return a job's state, or None if it has none. One round trip."""
    return _state(await _read(jid))


class Held(NamedTuple):
    """A job as it lies in flight: its queue, the identity of its process, and its exact bytes."""

    queue: str
    identity: str
    raw: bytes


async def save(jid: str, executions: int, cursor: bytes, runtime: float, held: Held) -> scripts.Saved:
    """Save the progress of a run. One round trip. Sidekiq's flush_state.

    Nothing is written if a later run has saved, or has ended the job and removed its place. Sidekiq would leave a
    place behind then.
    """
    lists = keys.inflight(held.queue, held.identity), keys.queue(held.queue)
    return await scripts.checkpoint(keys.iteration(jid), executions, cursor, runtime, STATE_SECONDS, lists, held.raw)


async def cancel(jid: str, now: int) -> int:
    """Note that a job was cancelled; returns when it was first (epoch seconds). One round trip.

    An iterable job sees it at its next checkpoint, or when it starts, in a Ruby process too. If none has saved
    anything, it stays for an hour; Sidekiq's cancel! leaves it for 30 days.
    """
    return await scripts.cancel_iteration(keys.iteration(jid), now, CANCELLATION_SECONDS)


async def forget(jid: str) -> None:
    """Remove the state of a job that has ended for good. One round trip."""
    await commands.unlink(keys.iteration(jid))


def _read(jid: str) -> Command[list[bytes | None]]:
    return commands.hmget(keys.iteration(jid), *_FIELDS)


def _state(row: list[bytes | None]) -> IterationState | None:
    executions, runtime, cursor, cancelled = row
    if row == [None] * len(_FIELDS):
        return None
    return IterationState(
        int(executions or 0), float(runtime or 0), cursor, None if cancelled is None else int(cancelled)
    )
