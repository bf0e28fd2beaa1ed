"""The account finds what is wrong: a suite that cannot fail proves nothing."""

from collections.abc import Callable

import pytest

from tests.chaos.account import INTENDED, UNEXPLAINED, Account
from tests.chaos.causes import GIVEN_UP, KILLED, KILLED_UNACKNOWLEDGED, STOPPED, Causes
from tests.chaos.journal import Remark, parse
from tests.chaos.kinds import Fate
from tests.chaos.picture import Picture
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Span, Timeline

_FATES = (Fate.SUCCEEDS, Fate.FAILS_ONCE, Fate.DIES)
_JOURNAL = [
    "start 7-1 1.0 0 a 1",
    "done 7-1 1.1",
    "start 7-2 1.0 1 b 1",
    "failed 7-2 1.1",
    "start 7-3 2.0 1 b 2",
    "done 7-3 2.1",
    "start 7-4 1.0 2 c 1",
    "failed 7-4 1.1",
]
_RESCUED = [Remark(7, 0.3, "rescued 1 jobs of h:8:ab, which died, into default")]


def _silence(_line: str) -> None:
    pass


def _job(number: int, error: str = INTENDED) -> dict[str, object]:
    return {"args": [number, 0.0, ""], "error_class": error}


def _account(
    journal: list[str] = _JOURNAL,
    *,
    places: dict[str, list[dict[str, object]]] | None = None,
    counters: tuple[int, int] = (4, 2),
    owners: list[str] | None = None,
    timeline: Timeline | None = None,
    remarks: list[Remark] | None = None,
) -> Account:
    """Draw up the account of three jobs, one of each fate; by default all went well."""
    runs, _ = parse(journal)
    counted = {"processed": counters[0], "failed": counters[1], "expired": 0}
    picture = Picture({"dead": [_job(2)]} | (places or {}), owners or [], counted)
    pushed = {number: Pushed(fate, confirmed=True) for number, fate in enumerate(_FATES)}
    causes = Causes(timeline or Timeline(_silence), remarks or [])
    return Account(pushed, runs, picture, causes, may_forget=False, workers=frozenset({7, 8}))


def test_all_went_well() -> None:
    account = _account()
    assert (account.problems, account.lost, account.repeats.total()) == ([], 0, 0)


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        (lambda: _account(_JOURNAL[2:]), "job 0 did not run to its end"),
        (lambda: _account(_JOURNAL[:4] + _JOURNAL[6:]), "job 1 did not run to its end"),
        (lambda: _account([*_JOURNAL, "start 7-5 3.0 9 z 1"]), "job 9 was never pushed"),
        (lambda: _account([*_JOURNAL, "start 7-5 3.0 0 a 2"]), "job 0 came to attempt 2"),
        (
            lambda: _account([*_JOURNAL, "start 7-5 3.0 0 a 1"]),
            "job 0 ran 2 times at attempt 1, and nothing explains it",
        ),
        (lambda: _account(counters=(5, 2)), "stat:processed is 5, not 4"),
        (lambda: _account(counters=(4, 1)), "stat:failed is 1, not 2"),
        (lambda: _account(places={"dead": []}), "job 2 is not in the dead set"),
        (lambda: _account(places={"dead": [_job(2), _job(0)]}), f"job 0 died of {INTENDED}"),
        (lambda: _account(places={"dead": [_job(2, "KeyError")]}), "job 2 died of KeyError"),
        (lambda: _account(places={"dead": [_job(2), _job(2)]}), "job 2 lies in dead and dead"),
        (lambda: _account(places={"retry": [_job(1)]}), "left over: {'retry': 1}"),
        (lambda: _account(owners=["h:7:0"]), "still registered as owners of jobs in flight: ['h:7:0']"),
    ],
)
def test_what_is_wrong_is_told(account: Callable[[], Account], problem: str) -> None:
    assert account().problems == [problem]


def _killed() -> Timeline:
    timeline = Timeline(_silence)
    timeline.killed[8] = 0.5
    return timeline


def _stopped() -> Timeline:
    timeline = Timeline(_silence)
    timeline.stopped[8] = Span(0.2, 0.3)
    return timeline


@pytest.mark.parametrize(
    ("run", "timeline", "remarks", "cause"),
    [
        (["start 8-1 0.1 0 a 1"], _killed(), [], KILLED),
        (["start 8-1 0.1 0 a 1", "done 8-1 0.4"], _killed(), [], KILLED_UNACKNOWLEDGED),
        (["start 8-1 0.1 0 a 1", "cut 8-1 0.4"], _stopped(), [], STOPPED),
        (["start 8-1 0.1 0 a 1", "done 8-1 0.4"], Timeline(_silence), _RESCUED, GIVEN_UP),
        (["start 8-1 0.1 0 a 1", "done 8-1 0.4"], Timeline(_silence), [], UNEXPLAINED),
    ],
)  # fmt: skip
def test_a_repeat_has_its_cause(run: list[str], timeline: Timeline, remarks: list[Remark], cause: str) -> None:
    account = _account([*run, *_JOURNAL], timeline=timeline, remarks=remarks)
    assert account.repeats == {cause: 1}
    assert bool(account.problems) == (cause == UNEXPLAINED)
