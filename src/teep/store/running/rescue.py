"""The rescue of a dead process's jobs: each returns to its queue with a mark, or goes to the dead set.

`suspect_started` notes that a marked job starts, which tells it from one that was only reserved ahead.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date

from teep.store import limits, processes
from teep.store.running import inflight, oversize, owners
from teep.store.running.inflight import REQUEUE_BATCH
from teep.store.running.outcome import Outcome
from teep.store.running.owners import Owner
from teep.wire import commands, keys, scripts
from teep.wire.keys import Key
from teep.wire.scripts.moves import Moves, not_moved

# Decides about a rescued job: takes its queue, its payload and the suspects that its process had started; returns the
# payload to put back, or the job's outcome.
Judge = Callable[[str, bytes, Collection[str]], bytes | Outcome]


async def suspect_started(identity: str, jid: str, ended: Sequence[str]) -> None:
    """Note that a process starts a job that was rescued before, and which of those ended since. One round trip."""
    key = keys.suspects(identity)
    await commands.pipeline_of([*([commands.srem(key, *ended)] if ended else []), commands.sadd(key, jid)])


async def rescue(
    owner: Owner, is_gone: Callable[[Owner], bool], judge: Judge, on_death: Callable[[Outcome], None], day: date
) -> dict[str, int] | None:
    """Put back the jobs in flight at a dead process and forget it; None if it lives, else how many jobs by queue.

    It is dead if its heartbeat has expired, or if `is_gone` says so. `judge` decides about each job; `on_death` is
    called with each outcome that has ended one. Rescuing twice, or crashing in between, is harmless: a job leaves the
    list in the step that puts it elsewhere, and the process is forgotten last. If a failover takes moves back, the
    process stays for the next look.

    Costs four round trips, and three more per 500 jobs and queue.

    Raises:
        NotMoved: Redis refused some. They stay for the next look; all others are rescued.
    """
    if not is_gone(owner) and await commands.exists(keys.process(owner.identity)):
        return None
    started = frozenset(await commands.smembers(keys.suspects(owner.identity)))
    moved = dict.fromkeys(owner.queues, 0)
    refused: list[str] = []
    for queue in owner.queues:
        source, target = keys.inflight(queue, owner.identity), keys.queue(queue)
        left = 0  # those that were refused, which stay at the tail
        while raws := await commands.lrange(source, -REQUEUE_BATCH - left, -1 - left):
            verdicts = [(raw, judge(queue, raw, started)) for raw in raws]
            ends = [end for _, end in verdicts if isinstance(end, Outcome)]
            reasons = await _bury(owner.identity, ends, on_death, day)
            if moves := [(raw, new) for raw, new in verdicts if isinstance(new, bytes)]:
                await commands.sadd(keys.queues(), queue)
                rescued = await _put_at_tail(source, target, moves)
                moved[queue] += rescued.moved
                reasons += rescued.refused.values()
            left += len(reasons)
            refused += reasons
    if refused:
        raise not_moved(refused, sum(moved.values()))
    # The number of processes sets how often they look, so the dead must not count for ever.
    await processes.leave(owner.identity)
    await owners.forget(owner.identity, owner.queues)
    await limits.free(owner.identity)
    return {queue: count for queue, count in moved.items() if count}


async def _put_at_tail(source: Key, target: Key, moves: Sequence[tuple[bytes, bytes]]) -> Moves:
    """Move jobs (oldest first) to the tail; one that its mark makes too large for its server goes without it."""
    return await oversize.move(
        moves[::-1],  # the one that goes back last runs first
        size=lambda move: len(move[0]) + len(move[1]),
        send=lambda some: scripts.rescue(source, target, some[::-1]),
        smaller=lambda move: (move[0], move[0]),
    )


async def _bury(identity: str, ends: Sequence[Outcome], on_death: Callable[[Outcome], None], day: date) -> list[str]:
    """Settle dead jobs; returns why Redis refused some."""
    settled = await inflight.settle(identity, ends, day) if ends else []
    for end, what in zip(ends, settled, strict=True):
        if what.done:
            on_death(end)
    return [what.refused for what in settled if what.refused]
