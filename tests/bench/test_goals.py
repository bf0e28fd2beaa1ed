"""Goals beside results: figures as they are made, no speed."""

from bench import goals
from bench.comparison import Comparison
from bench.measure import Goal, Reading
from bench.throughput import Throughput

_READINGS: dict[str, list[Reading]] = {
    "teep": [{"rate": 100.0, "loop": 1.0}, {"rate": 300.0, "loop": 1.0}, {"rate": 220.0, "loop": 1.0}],
    "slow": [{"rate": 10.0, "loop": 1.0}, {"rate": 10.0, "loop": 1.0}, {"rate": 10.0, "loop": 1.0}],
    "quick": [{"rate": 20.0, "loop": 1.0}, {"rate": 20.0, "loop": 1.0}, {"rate": 20.0, "loop": 1.0}],
}


def rows(*wanted: Goal) -> list[list[str]]:
    return goals.rows(wanted, Comparison(Throughput(200), _READINGS, {}, []))


def test_a_figure_is_the_median_of_the_rounds() -> None:
    assert rows(Goal("rate", 200), Goal("rate", 230)) == [
        ["rate", "≥ 200", "220", "yes"],
        ["rate", "≥ 230", "220", "no"],
    ]


def test_a_ratio_is_to_the_best_of_the_others_within_the_rounds() -> None:
    assert rows(Goal("x best", 12, beside=("slow", "quick"))) == [["x best", "≥ 12", "11", "no"]]


def test_some_goals_are_not_to_be_exceeded() -> None:
    wanted = Goal("rate", 220, at_most=True), Goal("rate", 219, at_most=True)
    assert [row[1:] for row in rows(*wanted)] == [["≤ 220", "220", "yes"], ["≤ 219", "220", "no"]]


def test_what_was_not_measured_has_no_row() -> None:
    assert rows(Goal("async", 1, "teep-async"), Goal("x", 1, beside=("celery",))) == []


def test_they_are_shown_below_the_figures() -> None:
    class Shown(Throughput):
        goals = (Goal("`def` jobs", 200),)

    section = Comparison(Shown(200), _READINGS, {}, []).section()
    assert "| goal | reach | reached | met |\n| --- | ---: | ---: | ---: |\n| `def` jobs | ≥ 200 | 220 | yes |" in (
        section.markdown([])
    )
    assert len(section.tables()) == 2
