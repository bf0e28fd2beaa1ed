"""What must hold of the items of an iterable job: none is left out, and each repeat has a cause."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.causes import FAILOVER, GIVEN_UP, Causes
from tests.chaos.journal import Run
from tests.chaos.kinds import Fate
from tests.chaos.life import Life
from tests.chaos.worker import CHECKPOINT

AGAIN = "an item: "
_UNSAVED = "no checkpoint while Redis failed"
_BY_A_LATE_RUN = "its place was set back by a run that was given up"
# Some more than the items that a job has, each of which it may do in a run of its own.
_MOST_RUNS = 200
# Seconds that a checkpoint may take, and an item before it.
_SAVED_WITHIN = 3.0


def problems(life: Life, causes: Causes, repeats: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with a job's items, and count each repeat by its cause.

    1. A job that came to its end has done each item at least once. None is begun before those in front of it are
       done, and those of a run are done in their order.
    2. A run begins no earlier than at the last place that Redis has confirmed.
    3. An item that was done twice was done after the last checkpoint of a run that broke off, or while Redis failed.
    """
    runs = [run for run in life.runs if run.first is not None]
    if life.came_to_its_end:
        wanted = set(range(life.job.items - (life.job.fate is Fate.DIES)))
        if missing := wanted - {step.item for run in runs for step in run.did}:
            yield f"left out items {sorted(missing)}"
    if life.passed_its_failure and not causes.failed_over(life.runs[0].start, life.runs[-1].last):
        yield "passed the item at which it was to fail"
    if len(runs) > _MOST_RUNS:
        yield f"was begun {len(runs)} times, so it does not come on"
        return
    for place, run in enumerate(runs):
        yield from _of_run(run, runs, causes)
        yield from _again(run, runs[:place], causes, repeats)


def _of_run(run: Run, runs: list[Run], causes: Causes) -> Iterator[str]:
    assert run.first is not None
    first, at = run.first
    done = {step.item for other in runs for step in other.did if step.at <= at}
    if skipped := set(range(first)) - done:
        yield f"went on at item {first}, though items {sorted(skipped)} were not done"
    items = [step.item for step in run.did]
    if items != list(range(first, first + len(items))):
        yield f"did its items out of order: {first}, then {items}"
    known = max(
        (place for other in runs if other is not run for place in _known(other, run, runs, causes)), default=0
    )
    # Of a job that is over Redis knows no place any more: one that was given up may still begin what it had reserved.
    is_late = causes.given_up(run) and any(other.outcome == "done" and other.last <= at for other in runs)
    if first < known and not is_late:
        yield f"went on at item {first}, though Redis knew that it had come to {known}"


def _known(other: Run, run: Run, runs: list[Run], causes: Causes) -> Iterator[int]:
    """Yield the places that one run had saved before another began, so that it must have known.

    Not those that it saved when a third one had begun already, which then knew less, and saved that; nor those which
    a run that was given up has set back since.
    """
    third = min((each.start for each in runs if each is not other and each.start > other.start), default=run.start)
    for step in other.saved:
        is_before = step.at < min(third, run.start)
        if is_before and not causes.failed_over(step.at, run.start) and not _set_back(step.at, run, runs, causes):
            yield step.item


def _set_back(at: float, run: Run, runs: Sequence[Run], causes: Causes) -> bool:
    """Tell whether a run that was given up has saved its place between a moment and the start of another run.

    It can where neither had saved anything when the other read the place: Redis takes both for the same run then.
    """
    return any(causes.given_up(late) and any(at < step.at < run.start for step in late.saved) for late in runs)


def _again(run: Run, earlier: list[Run], causes: Causes, repeats: Counter[str]) -> Iterator[str]:
    for step in run.did:
        before = next((other for other in reversed(earlier) if step.item in {done.item for done in other.did}), None)
        if before is None:
            continue
        cause = _why_again(step.item, before, run, earlier, causes)
        repeats[AGAIN + (cause or "unexplained")] += 1
        if cause is None:
            yield f"did item {step.item} again, and nothing explains it"


def _why_again(item: int, before: Run, run: Run, earlier: list[Run], causes: Causes) -> str | None:
    done = next(step.at for step in before.did if step.item == item)
    if causes.unsaved(before.jid, done, run.start):
        return _UNSAVED
    if _set_back(done, run, [*earlier, run], causes):
        return _BY_A_LATE_RUN
    if causes.given_up(run):
        return GIVEN_UP
    cause = causes.why(before) or (FAILOVER if causes.failed_over(done, run.start) else None)
    if cause is None or done >= run.start:
        return cause
    progress = [step.at for step in (*before.did, *before.saved) if step.at < run.start]
    return cause if causes.answered(done, max(progress)) < CHECKPOINT + _SAVED_WITHIN else None
