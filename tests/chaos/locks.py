"""What must hold of unique jobs: none is let in beside the one that has the lock, and none is kept out by nobody."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tests.chaos.causes import Causes
from tests.chaos.kinds import Slot
from tests.chaos.life import Life
from tests.chaos.timeline import Span

# Seconds that a lock may outlast its job while Redis answers: until the acknowledgement, on a machine that is busy.
_GIVEN_BACK_WITHIN = 2.0
# The same after the last run of a job that died of its rescues: until the last of them.
_RESCUED_WITHIN = 20.0


def problems(lives: Mapping[int, Life], causes: Causes, *, may_forget: bool) -> Iterator[tuple[str, int]]:
    """Yield what is wrong, and the number of the job concerned.

    1. A job whose push was refused has never run, and another one had the lock.
    2. A job whose push was taken had the lock alone: the one before had ended by then, or started, as it may be.
    """
    alike: defaultdict[Slot, list[Life]] = defaultdict(list)
    for life in lives.values():
        if life.job.slot is not None:
            alike[life.job.slot].append(life)
    for slot, group in alike.items():
        # One that was not confirmed may have been forgotten only after it was in the way.
        holders = [life for life in group if not life.job.refused and (life.job.confirmed or life.runs or may_forget)]
        taken = [life for life in group if not life.job.refused and (life.job.confirmed or life.runs)]
        for life in group:
            if life.job.refused and life.runs:
                yield "ran, though its push was refused", life.number
            # What is not confirmed was refused by a primary that may not have been one any more.
            is_refused = life.job.refused and life.job.confirmed
            if is_refused and not any(_may_have_lock(slot, other, life.job.span, causes) for other in holders):
                yield "was refused, though no other had the lock", life.number
        for before, life in pairwise(taken):
            if before.job.confirmed and life.job.confirmed and not _is_free(slot, before, life.job.span.end, causes):
                yield f"was let in while job {before.number} had the lock", life.number


def _may_have_lock(slot: Slot, life: Life, push: Span, causes: Causes) -> bool:
    if life.job.span.begin > push.end:
        return False
    released = _released(slot, life, push.begin, causes)
    within = _RESCUED_WITHIN if life.poisoned else _GIVEN_BACK_WITHIN
    return released is None or released > push.begin or causes.answered(released, push.begin) < within


def _released(slot: Slot, life: Life, by: float, causes: Causes) -> float | None:
    """Return the last moment at which a job needs its lock; None where its runs do not tell.

    A failover by then may have forgotten that a job has started: its lock goes when it starts once more.
    """
    if not life.runs:
        return None
    first = life.runs[0].start
    if slot.until == "start" and not causes.kept_lock(first):
        return life.runs[-1].start if causes.failed_over(first, by) else first
    return max(causes.gone(run) for run in life.runs)


def _is_free(slot: Slot, life: Life, by: float, causes: Causes) -> bool:
    """Tell whether a job may have given back its lock by then."""
    if life.poisoned:
        return True
    if slot.until == "success":
        return life.end is not None and life.end <= by
    # It was released a moment before the run began; one that was killed in between had been rescued when it ran.
    return any(
        run.rescues > 0 or run.start <= by or causes.awake(run.pid, by, run.start) <= _GIVEN_BACK_WITHIN
        for run in life.runs[:1]
    )
