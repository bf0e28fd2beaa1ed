"""The account finds what is wrong with iterable, unique and expiring jobs."""

from collections.abc import Sequence

import pytest

from tests.chaos.account import Account
from tests.chaos.causes import GIVEN_UP, KILLED, Causes
from tests.chaos.items import AGAIN
from tests.chaos.journal import Remark, parse
from tests.chaos.kinds import SLOTS, Fate, Slot
from tests.chaos.picture import Picture
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Span, Timeline

_UNTIL_SUCCESS, _UNTIL_START = SLOTS[0], SLOTS[4]
_ITEMS = Pushed(Fate.SUCCEEDS, confirmed=True, items=3)
# An iterable job that is put back after its first item.
_INTERRUPTED = [
    "start 7-1 1.0 0 a 1 1.5 0",
    "from 7-1 1.0 0",
    "saved 7-1 1.0 0",
    "did 7-1 1.1 0",
    "saved 7-1 1.1 1",
    "left 7-1 1.2",
]
_GOES_ON = [
    "start 7-2 2.0 0 a 1 2.5 0",
    "from 7-2 2.0 1",
    "did 7-2 2.1 1",
    "did 7-2 2.2 2",
    "over 7-2 2.2",
    "left 7-2 2.2",
]


def _silence(_line: str) -> None:
    pass


def _problems(
    pushed: Sequence[Pushed],
    journal: Sequence[str],
    *,
    timeline: Timeline | None = None,
    remarks: Sequence[Remark] = (),
    processed: int | None = None,
    expired: int = 0,
    locks: dict[str, str] | None = None,
    iterations: Sequence[str] = (),
) -> Account:
    """Draw up the account; where it is not given, `processed` is what there are of runs that came to their end."""
    runs, _ = parse(journal)
    ended = sum(run.outcome in ("done", "failed", "interrupted", "expired") for run in runs)
    counted = {"processed": ended if processed is None else processed, "failed": 0, "expired": expired}
    picture = Picture({"dead": []}, [], counted, locks or {}, list(iterations))
    causes = Causes(timeline or Timeline(_silence), remarks)
    return Account(dict(enumerate(pushed)), runs, picture, causes, may_forget=False, workers=frozenset({7, 8}))


def test_an_interrupted_job_counts_once_more_and_goes_on_where_it_was() -> None:
    account = _problems([_ITEMS], [*_INTERRUPTED, *_GOES_ON])
    assert (account.problems, account.repeats) == ([], {})


@pytest.mark.parametrize(
    ("journal", "problem"),
    [
        ([*_INTERRUPTED, *_GOES_ON[:2], *_GOES_ON[3:]], "job 0 left out items [1]"),
        ([*_INTERRUPTED, *_GOES_ON[:2], *_GOES_ON[3:]], "job 0 did its items out of order: 1, then [2]"),
        (
            [*_INTERRUPTED[:3], *_INTERRUPTED[4:], *_GOES_ON],
            "job 0 went on at item 1, though items [0] were not done",
        ),
        (
            [*_INTERRUPTED, _GOES_ON[0], "from 7-2 2.0 0", "did 7-2 2.1 0", *_GOES_ON[2:]],
            "job 0 went on at item 0, though Redis knew that it had come to 1",
        ),
        (
            [*_INTERRUPTED[:4], "left 7-1 1.2", _GOES_ON[0], "from 7-2 2.0 0", "did 7-2 2.1 0", *_GOES_ON[2:]],
            "job 0 did item 0 again, and nothing explains it",
        ),
        (_INTERRUPTED, "job 0 did not run to its end"),
    ],
)
def test_what_is_wrong_with_items_is_told(journal: list[str], problem: str) -> None:
    assert problem in _problems([_ITEMS], journal).problems


def test_an_item_that_is_done_again_has_its_cause() -> None:
    timeline = Timeline(_silence)
    timeline.killed[8] = 1.2
    killed = ["start 8-1 1.0 0 a 1 1.5 0", "from 8-1 1.0 0", "saved 8-1 1.0 0", "did 8-1 1.1 0"]
    again = ["start 7-1 2.0 0 a 1 1.5 1", "from 7-1 2.0 0", "did 7-1 2.0 0", *_GOES_ON[2:]]
    account = _problems([_ITEMS], [*killed, *(line.replace("7-2", "7-1") for line in again)], timeline=timeline)
    assert (account.problems, account.repeats) == ([], {KILLED: 1, AGAIN + KILLED: 1})
    timeline.killed[8] = 9.0
    late = [*killed, "did 8-1 7.0 1", *(line.replace("7-2", "7-1").replace(" 2.", " 9.") for line in again)]
    account = _problems([_ITEMS], late, timeline=timeline)
    assert "job 0 did item 0 again, and nothing explains it" in account.problems  # a checkpoint was due long before


def test_what_a_job_leaves_behind_is_told() -> None:
    account = _problems([_ITEMS], [*_INTERRUPTED, *_GOES_ON], locks={"unique:x": "a"}, iterations=["a", "z"])
    assert account.problems == [
        "job 0 has left its lock unique:x",
        "job 0 has left its place",
        "a place is kept of z, which is unknown",
    ]


def _of(slot: Slot, begin: float, *, refused: bool = False) -> Pushed:
    return Pushed(Fate.SUCCEEDS, confirmed=True, span=Span(begin, begin + 0.1), slot=slot, refused=refused)


def _ran(number: int, begin: float, end: float) -> list[str]:
    return [f"start 7-{number + 1} {begin} {number} j{number} 1 {begin} 0", f"done 7-{number + 1} {end}"]


@pytest.mark.parametrize(
    ("pushed", "journal", "problems"),
    [
        ([_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 3)], [*_ran(0, 1.5, 2), *_ran(1, 4, 5)], []),
        (
            [_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 3)],
            [*_ran(0, 1.5, 4), *_ran(1, 5, 6)],
            ["job 1 was let in while job 0 had the lock"],
        ),
        ([_of(_UNTIL_START, 1), _of(_UNTIL_START, 3)], [*_ran(0, 1.5, 9), *_ran(1, 5, 6)], []),
        (
            [_of(_UNTIL_START, 1), _of(_UNTIL_START, 3)],
            [*_ran(0, 8, 9), *_ran(1, 5, 6)],
            ["job 1 was let in while job 0 had the lock"],
        ),
        ([_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 3, refused=True)], _ran(0, 1.5, 2), []),
        (
            [_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 30, refused=True)],
            _ran(0, 1.5, 2),
            ["job 1 was refused, though no other had the lock"],
        ),
        (
            [_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 1.5, refused=True)],
            [*_ran(0, 1.5, 2), *_ran(1, 5, 6)],
            ["job 1 ran, though its push was refused"],
        ),
    ],
)
def test_who_is_let_in_beside_a_lock_or_kept_out_by_none_is_told(
    pushed: list[Pushed], journal: list[str], problems: list[str]
) -> None:
    assert _problems(pushed, journal).problems == problems


def test_a_lock_may_stay_while_there_is_no_primary() -> None:
    timeline = Timeline(_silence)
    timeline.failovers.append(Span(2.1, 5.5))
    pushed = [_of(_UNTIL_SUCCESS, 1), _of(_UNTIL_SUCCESS, 8, refused=True)]
    assert _problems(pushed, _ran(0, 1.5, 2), timeline=timeline).problems == []


def _expires(at: float) -> Pushed:
    return Pushed(Fate.SUCCEEDS, confirmed=True, expiry=at)


@pytest.mark.parametrize(
    ("expiry", "outcome", "expired", "problems"),
    [
        (5.0, "done", 0, []),
        (0.5, "expired", 1, []),
        (5.0, "expired", 1, ["job 0 was dropped as too late, which it was not"]),
        (-5.0, "done", 0, ["job 0 ran when it was too late"]),
        (0.5, "expired", 0, ["stat:expired is 0, not 1"]),
        (5.0, "done", 1, ["stat:expired is 1, not 0"]),
    ],
)
def test_a_job_runs_or_expires_and_counts_as_one_of_the_two(
    expiry: float, outcome: str, expired: int, problems: list[str]
) -> None:
    journal = ["start 7-1 1.0 0 a 1 1.0 0", f"{outcome} 7-1 1.1"]
    assert _problems([_expires(expiry)], journal, expired=expired).problems == problems


def test_a_job_both_runs_and_expires_only_where_its_process_was_given_up() -> None:
    journal = ["start 8-1 1.0 0 a 1 1.0 0", "done 8-1 1.1", "start 7-1 6.0 0 a 1 1.0 1", "expired 7-1 6.1"]
    account = _problems([_expires(3.0)], journal, processed=1, expired=1)
    assert account.problems == ["job 0 ran 2 times at attempt 1, and nothing explains it"]
    rescued = [Remark(7, 1.2, "rescued 1 jobs of h:8:ab, which died, into default")]
    account = _problems([_expires(3.0)], journal, processed=1, expired=1, remarks=rescued)
    assert (account.problems, account.repeats) == ([], {GIVEN_UP: 1})


def test_an_attempt_that_a_failover_forgot_may_be_followed_by_the_expiry_of_the_one_before() -> None:
    journal = [
        "start 8-1 1.0 0 a 1 1.0 0",
        "failed 8-1 1.1",
        "start 8-2 2.0 0 a 2 2.0 0",
        "done 8-2 2.1",
        "start 7-1 3.2 0 a 1 1.0 1",
        "expired 7-1 3.3",
    ]
    timeline = Timeline(_silence)
    pushed = [Pushed(Fate.FAILS_ONCE, confirmed=True, expiry=3.0)]
    strict = _problems(pushed, journal, timeline=timeline, processed=1, expired=1)
    assert "stat:expired is 1, not 0" in strict.problems
    timeline.failovers.append(Span(2.2, 3.1))
    assert _problems(pushed, journal, timeline=timeline, processed=1, expired=1).problems == []


_LIMITED = Pushed(Fate.SUCCEEDS, confirmed=True, limited=True)


def _beside(*spans: tuple[float, float | None]) -> list[str]:
    """Runs of limited jobs, one each, in two processes; one without an end broke off."""
    lines: list[tuple[float, str]] = []
    for number, (start, end) in enumerate(spans):
        run = f"{7 + number % 2}-{number + 1}"
        lines.append((start, f"start {run} {start} {number} j{number} 1 1.5 0"))
        if end is not None:
            lines.append((end, f"done {run} {end}"))
    return [line for _, line in sorted(lines)]


@pytest.mark.parametrize(
    ("spans", "is_wrong"),
    [
        ([(1.0, 2.0), (1.1, 1.5), (1.6, 2.0)], False),
        ([(1.0, 2.0), (1.1, 1.5), (1.4, 2.0)], True),
    ],
)
def test_no_more_run_than_their_limit_lets_through(spans: list[tuple[float, float]], *, is_wrong: bool) -> None:
    problems = _problems([_LIMITED] * len(spans), _beside(*spans)).problems
    assert any("began beside 2 others, though 2 may run" in problem for problem in problems) is is_wrong


def test_a_job_that_has_expired_needs_no_place() -> None:
    spans = [(1.0, 2.0), (1.1, 1.5), (1.4, 1.41)]
    journal = _beside(*spans)
    late = [line.replace("done 7-3", "expired 7-3") for line in journal]
    assert late != journal
    assert not any("began beside" in problem for problem in _problems([_LIMITED] * 3, late).problems)


def test_a_killed_run_holds_its_place_until_then_and_a_frozen_one_may_lose_it() -> None:
    spans: list[tuple[float, float | None]] = [(1.0, None), (1.1, 3.0), (1.5, 2.0)]
    timeline = Timeline(_silence)
    timeline.killed[7] = 1.4
    assert not any(
        "began beside" in problem
        for problem in _problems([_LIMITED] * 3, _beside(*spans), timeline=timeline).problems
    )
    timeline.killed[7] = 1.6
    assert any(
        "began beside" in problem
        for problem in _problems([_LIMITED] * 3, _beside(*spans), timeline=timeline).problems
    )
    timeline.frozen[8] = [Span(1.2, 2.0)]
    assert not any(
        "began beside" in problem
        for problem in _problems([_LIMITED] * 3, _beside(*spans), timeline=timeline).problems
    )
