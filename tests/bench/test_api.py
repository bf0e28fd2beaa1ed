"""What `bench api` refuses to put into its table, and how it judges; speed is not tested."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.api.operations import Goal, Operation, operations
from bench.api.outcome import Outcome, Visit
from bench.api.rounds import Rounds
from bench.api.side import RUBY, TEEP, Side
from bench.errors import BenchError
from bench.server import Server


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    directory = tmp_path_factory.mktemp("bench")
    with Server(directory) as server, Rounds(server, directory, 1) as visiting:
        yield visiting


def operation(name: str) -> Operation:
    """The first of this name, on 200 jobs."""
    return next(operation for operation in operations(0.002) if operation.name == name)


def test_both_sides_are_measured(rounds: Rounds) -> None:
    outcome = rounds.measure(operation("find_in_queue"))
    assert outcome.visits.keys() == {TEEP, RUBY}
    assert outcome.round_trips == 1
    # Sidekiq reads 50 jobs at a time, and asks for the queue's length at each.
    assert outcome.visits[RUBY][0].commands == 2 * 200 / 50


def test_an_other_answer_gets_no_figure(rounds: Rounds) -> None:
    wrong = replace(operation("find_in_queue"), expected="0123")
    with pytest.raises(BenchError, match=r"oldest of 200: teep answered '[0-9a-f]{24}', not '0123'"):
        rounds.measure(wrong)


def test_an_other_end_gets_no_figure(rounds: Rounds) -> None:
    wrong = replace(operation("retry_all"), leaves={"queue:default": 7})
    with pytest.raises(BenchError, match=r"retry_all, 200: teep left \{'queue:default': 200\}"):
        rounds.measure(wrong)


def test_a_side_that_dies_leaves_its_log(tmp_path: Path) -> None:
    with (
        Side(TEEP, "redis://127.0.0.1:1", tmp_path) as side,
        pytest.raises(BenchError, match=r"(?s)ended with status 1:.*KeyError: 'nonesuch'"),
    ):
        side.prepare("nonesuch", [])


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal(ratio=4), True),
        (Goal(ratio=4.1), False),
        (Goal(ratio=4, round_trips=2), True),
        (Goal(ratio=4, round_trips=1), False),
        (Goal(seconds=0.6), True),
        (Goal(seconds=0.5), False),
        (Goal(megabytes=1e-6), True),
        (Goal(megabytes=0.5e-6), False),
    ],
)
def test_a_goal_is_judged(goal: Goal, reached: bool) -> None:
    outcome = Outcome(replace(operation("find_in_queue"), goal=goal), round_trips=2, loops=[0.05])
    outcome.add(TEEP, Visit(commands=3, figure=0.5))
    outcome.add(RUBY, Visit(commands=4000, figure=2.0))
    assert outcome.reached() is reached
    assert outcome.row()[1:6] == ["500 ms", "2.0 s", "4", "2", "3/4k"]


def test_without_ruby_a_comparison_has_no_verdict() -> None:
    outcome = Outcome(replace(operation("find_in_queue"), goal=Goal(ratio=4)), round_trips=2, loops=[0.05])
    outcome.add(TEEP, Visit(commands=3, figure=0.5))
    assert outcome.reached() is None
    assert outcome.row()[2:4] == ["-", "-"]
