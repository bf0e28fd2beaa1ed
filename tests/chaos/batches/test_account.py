"""The account finds what is wrong with batches."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from teep.store.batches import EVENTS, Event
from teep.store.nodes import Policy
from tests.chaos.batches.account import Account
from tests.chaos.batches.made import Filling, Made, Node, told
from tests.chaos.causes import Causes
from tests.chaos.journal import parse
from tests.chaos.kinds import Fate
from tests.chaos.life import Life
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Span, Timeline
from tests.chaos.worker import OPENING

_FIRST = 10  # the number of the first callback of a batch: its jobs have smaller ones
_JOB = Pushed(Fate.SUCCEEDS, confirmed=True, span=Span(0.5, 0.6))
_OFFSET = 1_000.0


def _silence(_line: str) -> None:
    pass


def _ran(number: int, start: float, end: float, outcome: str = "done", attempt: int = 1) -> list[str]:
    run = f"7-{number}{attempt}"
    return [f"start {run} {start} {number} j{number} {attempt} {start + _OFFSET} 0", f"{outcome} {run} {end}"]


def _fired(first: int = _FIRST, again: float = 0.0, **events: float) -> list[str]:
    """The runs of callbacks, each queued at a moment; `again`: that of the finish once more."""
    lines = []
    for event, at in events.items():
        number = first + EVENTS.index(event)
        for place, moment in enumerate((at, again) if again and event == "finish" else (at,)):
            run = f"8-{number}{place}"
            lines += [
                f"start {run} {moment + 0.1} {number} c{number} 1 {moment + _OFFSET} 0",
                f"done {run} {moment + 0.2}",
            ]
    return lines


def _batch(members: Sequence[int], first: int = _FIRST, **fields: object) -> Made:
    callbacks: dict[Event, int] = {event: first + place for place, event in enumerate(EVENTS)}
    batch = Made(f"b{first}", None, callbacks, 60.0, 0.4, confirmed=True, members=set(members))
    batch.fillings.append(Filling(0.4, body=0.5, end=0.6))
    return replace(batch, **fields)  # type: ignore[arg-type]


def _problems(
    batches: Sequence[Made],
    pushed: Sequence[Pushed],
    journal: Sequence[str],
    *,
    timeline: Timeline | None = None,
    may_forget: bool = False,
) -> list[str]:
    runs, _ = parse(journal)
    jobs = dict(enumerate(pushed))
    for batch in batches:
        jobs |= dict.fromkeys(batch.callbacks.values(), Pushed(Fate.SUCCEEDS, confirmed=False))
    by_bid = {batch.bid: batch for batch in batches}
    told(runs, by_bid, jobs, is_lasting=not may_forget)
    lives = {
        number: Life(number, job, [run for run in runs if run.number == number], poisoned=False)
        for number, job in jobs.items()
    }
    causes = Causes(timeline or Timeline(_silence), [])
    account = Account(by_bid, lives, causes, _OFFSET, may_forget=may_forget)
    return account.problems


_ALL_WELL = _fired(complete=3, success=3, finish=3)
_TWO = [*_ran(0, 1, 2), *_ran(1, 1, 2.9)]
_RETRIED = [*_ran(1, 1, 2, "failed"), *_ran(1, 4, 5, attempt=2)]
_RAN_LATER = [*_ran(0, 1, 2), *_ran(1, 2.7, 2.9)]
_DIES = replace(_JOB, fate=Fate.DIES)
_DIED = [*_ran(0, 1, 2), *_ran(1, 1, 2.9, "failed")]
_DELETED = replace(_JOB, deleted=Span(2.5, 2.6))


@pytest.mark.parametrize(
    ("pushed", "journal"),
    [
        ([_JOB, _JOB], [*_TWO, *_ALL_WELL]),
        ([_JOB, _DIES], [*_DIED, *_fired(complete=3, death=3, finish=3)]),
        ([_JOB, _DELETED], [*_TWO[:2], *_fired(complete=3, finish=3)]),
        (
            [_JOB, replace(_JOB, fate=Fate.FAILS_ONCE)],
            [*_TWO[:2], *_RETRIED, *_fired(complete=3, success=5.1, finish=5.1)],
        ),
    ],
)
def test_all_went_well(pushed: list[Pushed], journal: list[str]) -> None:
    assert _problems([_batch([0, 1])], pushed, journal) == []


@pytest.mark.parametrize(
    ("pushed", "journal", "problem"),
    [
        ([_JOB, _JOB], [*_TWO, *_fired(complete=3, success=3)], "had no finish"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=3, finish=3)], "had no success"),
        ([_JOB, _DIES], [*_DIED, *_fired(complete=3, finish=3)], "had no death"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=3, success=3, death=3, finish=3)], "heard of a death, and none"),
        ([_JOB, _DIES], [*_DIED, *_fired(complete=3, success=3, death=3, finish=3)], "had a success, and not all"),
        ([_JOB, _DELETED], [*_TWO[:2], *_ALL_WELL], "had a success, and not all"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=2.5, success=3, finish=3)], "had its complete before job 1"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=3, success=3, finish=2.5)], "had its finish before job 1"),
        ([_JOB, _DIES], [*_DIED, *_fired(complete=3, death=2.5, finish=3)], "heard of a death before there was one"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=3, success=5, finish=4)], "had its events in the wrong order"),
        ([_JOB, _JOB], [*_TWO, *_fired(again=3.5, complete=3, success=3, finish=3)], "had its finish 2 times"),
        ([_JOB, _JOB], [*_TWO, *_fired(complete=9, success=9, finish=9)], "finished 6.100 s after all"),
        (
            [_JOB, _DELETED],
            [*_RAN_LATER, *_fired(complete=3, finish=3)],
            "had job 1 run after it was deleted",
        ),
    ],
)
def test_what_is_wrong_is_told(pushed: list[Pushed], journal: list[str], problem: str) -> None:
    found = _problems([_batch([0, 1])], pushed, journal)
    assert any(problem in each for each in found), found


def test_a_batch_that_may_not_be_there_needs_no_events() -> None:
    unsure = _batch([0], confirmed=False, is_unsure=True)
    assert _problems([unsure], [replace(_JOB, confirmed=False)], []) == []
    assert any("had no finish" in each for each in _problems([unsure], [_JOB], _ran(0, 1, 2)))


def test_a_parent_waits_for_its_child_and_its_callbacks_and_falls_with_it() -> None:
    parent, child = _batch([0]), _batch([1], 20, parent=f"b{_FIRST}")
    well = [*_TWO, *_fired(20, complete=3, success=3, finish=3)]
    assert _problems([parent, child], [_JOB, _JOB], [*well, *_fired(complete=4, success=4, finish=4)]) == []
    early = _problems([parent, child], [_JOB, _JOB], [*well, *_fired(complete=2.5, success=4, finish=4)])
    assert any("had its complete before its child b20" in each for each in early)
    early = _problems([parent, child], [_JOB, _JOB], [*well, *_fired(complete=3.1, success=3.1, finish=3.1)])
    assert any("had its success before job 21" in each for each in early)
    fell = [*_DIED, *_fired(20, complete=3, death=3, finish=3), *_fired(complete=4, success=4, finish=4)]
    assert any("had a success" in each for each in _problems([parent, child], [_JOB, _DIES], fell))


def test_what_a_failover_made_redis_forget_may_come_again() -> None:
    timeline = Timeline(_silence)
    timeline.failovers.append(Span(5, 6))
    twice = [*_TWO, *_fired(again=9, complete=3, success=3, finish=3)]
    assert _problems([_batch([0, 1])], [_JOB, _JOB], twice, timeline=timeline, may_forget=True) == []


@pytest.mark.parametrize("at", [3.0, 6.0])
def test_events_wait_for_a_block_that_sends_in_several_steps(at: float) -> None:
    block = Filling(0.5, every=1, is_first=True, body=5.0)
    found = _problems(
        [_batch([0, 1], fillings=[block])], [_JOB, _JOB], [*_TWO, *_fired(complete=at, success=at, finish=at)]
    )
    assert ("batch b10 had an event before its block was closed" in found) is (at == 3.0)


def _opened(*, end: str = "") -> list[str]:
    """What a job writes that opens a batch and pushes five jobs, two at a time, and is then killed."""
    callbacks = ",".join(f'"{event}":{_FIRST + place}' for place, event in enumerate(EVENTS))
    batch, none = '"bid":"b"', '"parent":null,"node":null'
    lines = ["start 9-1 1.0 0 j0 1 1.0 0"]
    lines.append(f'told 9-1 1.0 {{"did":"open",{batch},{none},"callbacks":{{{callbacks}}},"linger":60}}')
    lines.append(f'told 9-1 1.0 {{"did":"fill",{batch},"every":2}}')
    lines += [
        f'told 9-1 {1.0 + place / 10} {{"did":"push",{batch},"number":{100 + place},"fate":"succeeds","node":null}}'
        for place in range(4)
    ]
    return [*lines, *([f'told 9-1 2.0 {{"did":"{end}",{batch}}}'] if end else [])]


@pytest.mark.parametrize("early", [0.0, 0.5])
def test_a_batch_whose_opener_was_killed_finishes_when_the_lease_has_ended(early: float) -> None:
    at = 1.2 + OPENING - early
    runs = [*_ran(100, 2, 3), *_ran(101, 2, 3), *_fired(complete=at, finish=at)]
    problems = _problems([], [_JOB], [*_opened(), *runs])
    assert problems == (["batch b had an event before the lease of its opener had ended"] if early else [])
    stuck = _problems([], [_JOB], [*_opened(), *_ran(100, 2, 3)])
    assert stuck == ["batch b had no complete", "batch b had no finish"]


def test_a_batch_that_refuses_jobs_has_finished() -> None:
    closed = _batch([0, 1], closed=[2.0])
    problems = _problems([closed], [_JOB, _JOB], [*_TWO, *_ALL_WELL])
    assert problems == ["batch b10 counted as finished 1.000 s before it had"]
    assert _problems([replace(closed, closed=[3.5])], [_JOB, _JOB], [*_TWO, *_ALL_WELL]) == []


def _workflow(**after: dict[str, Policy]) -> Made:
    """A workflow of nodes by name, whose numbers are 0, 1 and so on."""
    nodes = {name: Node(number, edges) for number, (name, edges) in enumerate(after.items())}
    return _batch(range(len(nodes)), nodes=nodes)


_NODE = replace(_JOB, confirmed=False)
_DEAD_END = replace(_DIES, confirmed=False)
_FAILED = _ran(0, 1, 2, "failed")


@pytest.mark.parametrize(
    ("policy", "pushed", "journal"),
    [
        ("stop", [_NODE, _NODE], [*_ran(0, 1, 2), *_ran(1, 2.5, 2.9), *_ALL_WELL]),
        ("stop", [_DEAD_END, _NODE], [*_FAILED, *_fired(complete=2.1, death=2.1, finish=2.1)]),
        ("hold", [_DEAD_END, _NODE], [*_FAILED, *_fired(complete=2.1, death=2.1, finish=2.1)]),
        ("skip", [_DEAD_END, _NODE], [*_FAILED, *_ran(1, 2.5, 2.9), *_fired(complete=3, death=2.1, finish=3)]),
        ("always", [_DEAD_END, _NODE], [*_FAILED, *_ran(1, 2.5, 2.9), *_fired(complete=3, death=2.1, finish=3)]),
    ],
)
def test_nodes_that_go_by_their_policies(policy: Policy, pushed: list[Pushed], journal: list[str]) -> None:
    assert _problems([_workflow(a={}, b={"a": policy})], pushed, journal) == []


@pytest.mark.parametrize(
    ("policy", "pushed", "journal", "problem"),
    [
        ("stop", [_NODE, _NODE], [*_ran(0, 1, 2), *_ran(1, 1.5, 2.9), *_ALL_WELL], "node b run before a was so far"),
        ("stop", [_NODE, _NODE], [*_ran(0, 1, 2), *_fired(complete=2.1, finish=2.1)], "left out node b"),
        (
            "stop",
            [_DEAD_END, _NODE],
            [*_FAILED, *_ran(1, 2.5, 2.9), *_fired(complete=3, death=2.1, finish=3)],
            "node b run in spite of what was before it",
        ),
        ("skip", [_DEAD_END, _NODE], [*_FAILED, *_fired(complete=2.1, death=2.1, finish=2.1)], "left out node b"),
        (
            "stop",
            [_DEAD_END, _NODE],
            [*_FAILED, *_fired(complete=2.1, success=2.1, death=2.1, finish=2.1)],
            "had a success, and not all",
        ),
        (
            "stop",
            [_NODE, _NODE],
            [*_ran(0, 1, 2), *_ran(1, 2.5, 2.9), "start 6-1 2.6 1 j1 1 1002.55 0", "done 6-1 2.7", *_ALL_WELL],
            "node b pushed 2 times",
        ),
    ],
)
def test_what_is_wrong_with_nodes_is_told(
    policy: Policy, pushed: list[Pushed], journal: list[str], problem: str
) -> None:
    found = _problems([_workflow(a={}, b={"a": policy})], pushed, journal)
    assert any(problem in each for each in found), found


def test_a_node_waits_for_the_child_batch_that_its_job_has_opened() -> None:
    workflow, child = _workflow(a={}, b={"a": "stop"}), _batch([2], 20, parent=f"b{_FIRST}", parent_node="a")
    well = [*_ran(0, 1, 2), *_ran(2, 1, 3), *_fired(20, complete=3.1, success=3.1, finish=3.1)]
    jobs = [_NODE, _NODE, _JOB]
    ends = _fired(complete=5, success=5, finish=5)
    assert _problems([workflow, child], jobs, [*well, *_ran(1, 4, 4.9), *ends]) == []
    early = _problems([workflow, child], jobs, [*well, *_ran(1, 2.9, 4.9), *ends])
    assert "batch b10 had node b run before a was so far" in early
    fell = [*_ran(0, 1, 2), *_ran(2, 1, 3, "failed"), *_fired(20, complete=3.1, death=3.1, finish=3.1)]
    spite = _problems([workflow, child], [_NODE, _NODE, _DIES], [*fell, *_ran(1, 4, 4.9), *ends])
    assert "batch b10 had node b run in spite of what was before it" in spite
