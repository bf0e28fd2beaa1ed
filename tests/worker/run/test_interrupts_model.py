"""Every order of the steps of `Interrupts`: a model of one thread that leaves its job and of two that interrupt it.

The model has the steps that others can see. What lies in the slot may come at each step where Python looks for it, or
at a later one; or it falls into a hook of the garbage collector, where Python ignores it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

_TRIES = 2


class At(Enum):
    """What the job's thread does next."""

    JOB = auto()
    CLEAR = auto()  # `_inside`
    LOOK = auto()  # for a claim
    ANSWER = auto()
    DRAIN = auto()  # put `_Drained` into the slot, or having tried often enough, nothing
    POP = auto()  # the claim
    OVER = auto()


class By(Enum):
    """What an interrupting thread does next."""

    CLAIM = auto()
    LOOK = auto()
    RAISE = auto()
    DECIDE = auto()
    OVER = auto()


_POLLS = (At.JOB, At.ANSWER, At.DRAIN, At.POP)
_DRAINED = "drained"


@dataclass(frozen=True)
class State:
    at: At = At.JOB
    second: bool = False  # the thread leaves again
    inside: bool = True
    claim: str = ""
    slot: str = ""
    tries: int = 0
    by: tuple[By, By] = (By.CLAIM, By.CLAIM)


def _job_steps(state: State) -> Iterator[State]:
    """The next steps of the job's thread."""
    if state.slot and state.at in _POLLS:
        yield replace(state, slot="")  # ignored by Python
        yield _raised(replace(state, slot=""), state.slot)
    match state.at:
        case At.JOB:
            yield replace(state, at=At.CLEAR)
        case At.CLEAR:
            yield replace(state, inside=False, at=At.LOOK)
        case At.LOOK:
            yield replace(state, at=At.ANSWER if state.claim else At.OVER)
        case At.ANSWER if state.claim != "undecided":
            yield replace(state, at=At.DRAIN, tries=0)
        case At.DRAIN if state.tries < _TRIES:
            yield replace(state, slot=_DRAINED, tries=state.tries + 1)
        case At.DRAIN:
            yield replace(state, slot="", at=At.POP)
        case At.POP:
            yield replace(state, claim="", at=At.OVER)


def _raised(state: State, what: str) -> State:
    if what == _DRAINED:
        assert state.at is At.DRAIN, "it must be raised where it is caught"
        return replace(state, at=At.POP)
    if state.at is At.JOB:
        return replace(state, at=At.CLEAR)
    return replace(state, at=At.OVER) if state.second else replace(state, at=At.CLEAR, second=True)


def _interrupting_steps(state: State, number: int) -> Iterator[State]:
    """The next steps of an interrupting thread; the other one does not begin meanwhile."""
    step, other = state.by[number], state.by[1 - number]

    def to(following: By) -> tuple[By, By]:
        return (following, other) if number == 0 else (other, following)

    match step:
        case By.CLAIM if other in (By.CLAIM, By.OVER):
            yield replace(state, claim="undecided", by=to(By.LOOK))
        case By.LOOK:
            yield replace(state, by=to(By.RAISE if state.inside else By.DECIDE))
        case By.RAISE:
            yield replace(state, slot=f"interruption {number}", by=to(By.DECIDE))
        case By.DECIDE:
            yield replace(state, claim="decided", by=to(By.OVER))


def _all_steps(state: State) -> list[State]:
    return [*_job_steps(state), *_interrupting_steps(state, 0), *_interrupting_steps(state, 1)]


def _follow(state: State, seen: set[State], path: set[State]) -> None:
    assert state not in path, "steps that can go round for ever"
    if state in seen:
        return
    seen.add(state)
    if state.at is At.OVER:
        assert not state.slot, f"something is left, to be raised in the thread's next job: {state}"
    following = _all_steps(state)
    assert following or (state.at is At.OVER and state.by == (By.OVER, By.OVER)), f"all wait: {state}"
    path.add(state)
    for after in following:
        _follow(after, seen, path)
    path.remove(state)


def test_no_order_of_steps_leaves_an_exception_behind_or_a_thread_waiting() -> None:
    seen: set[State] = set()
    _follow(State(), seen, set())
    assert len(seen) > 200
