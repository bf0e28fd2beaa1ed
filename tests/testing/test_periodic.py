"""The test kit for periodic jobs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import teep
from teep import testing
from teep.config import periodic as declaring
from teep.errors import InvalidSchedule

pytestmark = pytest.mark.usefixtures("own_registry")

_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def config(offline: teep.Config, monkeypatch: pytest.MonkeyPatch) -> teep.Config:
    monkeypatch.setattr(declaring, "_decorated", {})
    return offline


def _tock(**options: object) -> list[datetime | None]:
    seen: list[datetime | None] = []

    @teep.periodic("*/20 * * * *", args=["x"])
    @teep.job(name="tock")
    def tock(word: str) -> None:
        job = teep.current_job()
        assert job is not None
        seen.append(job.tick)

    return seen


def test_jobs_that_can_run_are_named(config: teep.Config) -> None:
    _tock()
    config.periodic("@daily", "SomeRubyWorker", 1)
    assert testing.check_periodic() == testing.check_periodic(config=config) == ["tock", "SomeRubyWorker"]


def test_all_that_cannot_run_are_told_at_once(config: teep.Config) -> None:
    _tock()
    config.periodic("@daily", "no.such.module.job")
    config.periodic("@daily", "tests.testing.test_periodic.missing")
    config.periodic("@daily", "tock", 1, 2, 3, name="wrong")
    with pytest.raises(InvalidSchedule) as caught:
        testing.check_periodic()
    first, second, third = str(caught.value).split("; ", 2)
    assert first == "no.such.module.job: the module of no.such.module.job cannot be imported: No module named 'no'"
    assert second == "tests.testing.test_periodic.missing: tests.testing.test_periodic has no job 'missing'"
    assert third.startswith("wrong: tock")


def test_a_module_that_fails_is_told_with_the_others(
    config: teep.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module_that_fails.py").write_text("raise ValueError('no setting')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("module_that_fails.job", ".job"):
        config.periodic("@daily", name)
    with pytest.raises(InvalidSchedule, match=r"cannot be imported: no setting; \.job: the module of \.job cannot"):
        testing.check_periodic()


def test_travelling_collects_what_is_due(config: teep.Config) -> None:
    _tock()
    config.periodic("@every 25m", "SomeRubyWorker", name="every")
    with testing.fake() as jobs:
        fired = testing.travel(_NOON, _NOON.replace(hour=13))
        assert [(f"{tick:%H:%M}", name) for tick, name in fired] == [
            ("12:20", "tock"), ("12:25", "every"), ("12:40", "tock"), ("12:50", "every"), ("13:00", "tock"),
        ]  # fmt: skip
        assert [job["tick"] for job in jobs] == [tick.timestamp() for tick, _ in fired]


def test_travelling_runs_them_inline_and_each_knows_its_moment() -> None:
    seen = _tock()
    with testing.inline():
        testing.travel(_NOON.timestamp(), _NOON.replace(minute=40))
    assert seen == [_NOON.replace(minute=20), _NOON.replace(minute=40)]


def test_travelling_over_a_change_of_the_clocks(config: teep.Config) -> None:
    config.periodic("30 2 * * *", "Nightly", tz="Europe/Prague")
    with testing.fake():
        fired = testing.travel(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    assert [f"{tick:%d %H:%M}" for tick, _ in fired] == ["29 01:00", "30 00:30"]
