"""Entries as code and files declare them; and what is refused when they are, in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import teep
from teep.config.periodic import entries_of
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob, InvalidSchedule, InvalidType

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def config() -> teep.Config:
    return teep.Config(redis_url="redis://nowhere")


def _poll(**options: Any) -> Any:
    @teep.job(name="poll", queue="low", retry=3, **options)
    def poll(tenant: int = 0, *, deep: bool = False) -> None: ...

    return poll


def test_a_decorated_job_is_declared_and_stays_the_job_it_was(config: teep.Config) -> None:
    poll = _poll()
    assert teep.periodic("0 4 * * *", tz="Europe/Prague", catch_up="all", overlap="skip", jitter=30)(poll) is poll
    (entry,) = entries_of(config).values()
    assert entry.name == "poll"
    assert (entry.schedule, entry.tz, entry.source) == ("0 4 * * *", "Europe/Prague", "static")
    assert (entry.catch_up, entry.overlap, entry.jitter, entry.grace) == ("all", "skip", 30.0, 3600.0)
    assert entry.job == {"queue": "low", "retry": 3, "args": [], "class": "poll"}


def test_a_class_is_declared_too(config: teep.Config) -> None:
    @teep.periodic("@hourly", name="for-1", args=[1])
    @teep.periodic("@daily", name="for-2", args=[2])
    class Sync(teep.Job, name="sync"):
        def perform(self, tenant: int) -> None: ...

    found = entries_of(config)
    assert {name: entry.job["args"] for name, entry in found.items()} == {"for-1": [1], "for-2": [2]}


def test_jobs_of_others_are_declared_on_a_configuration(config: teep.Config) -> None:
    config.periodic("*/5 * * * *", _poll(), 7, name="poll-7", kwargs={"deep": True}, description="each tenant")
    config.periodic("@every 10m", "SomeRubyWorker", {"a": 1}, queue="ruby")
    found = entries_of(config)
    assert found["poll-7"].job["args"] == [7]
    assert (found["poll-7"].job["kwargs"], found["poll-7"].description) == ({"deep": True}, "each tenant")
    assert found["SomeRubyWorker"].job == {"queue": "ruby", "class": "SomeRubyWorker", "args": [{"a": 1}]}


def test_options_of_a_push_go_along(config: teep.Config) -> None:
    poll = _poll()
    config.periodic("@daily", poll.set(queue="high", retry=False))
    config.periodic("@daily", poll, name="other", queue="third")
    found = entries_of(config)
    assert (found["poll"].job["queue"], found["poll"].job["retry"]) == ("high", False)
    assert (found["other"].job["queue"], found["other"].job["retry"]) == ("third", 3)


def test_a_signature_is_taken_where_a_job_is(config: teep.Config) -> None:
    poll = _poll()
    config.periodic("@daily", poll.s(7, deep=True).set(retry=0))
    config.periodic("@daily", poll.s(8), name="other", queue="third")
    found = entries_of(config)
    assert found["poll"].job == {
        "queue": "low", "retry": 0, "args": [7], "class": "poll", "kwargs": {"deep": True},
    }  # fmt: skip
    assert (found["other"].job["queue"], found["other"].job["args"]) == ("third", [8])
    for args, kwargs in (((8,), None), ((), {"deep": True})):
        with pytest.raises(InvalidArguments, match=r"poll.s\(7\) has its arguments already"):
            config.periodic("@daily", poll.s(7), *args, kwargs=kwargs)
    with pytest.raises(InvalidJob, match="a periodic job has its schedule"):
        config.periodic("@daily", poll.s(7).set(wait=60))


def test_a_copy_of_a_configuration_has_them_too(config: teep.Config) -> None:
    config.periodic("@daily", "SomeJob")
    assert list(entries_of(config.copy(concurrency=3))) == ["SomeJob"]


def test_a_reload_of_a_module_declares_anew(config: teep.Config) -> None:
    teep.periodic("@daily")(_poll())

    def again() -> Any:
        return type("Reloaded", (), {"to_payload": lambda *_: {"class": "poll", "args": []}})

    teep.periodic("@hourly")(again())
    assert entries_of(config)["poll"].schedule == "@hourly"


_REFUSED: list[tuple[Callable[[teep.Config], Any], type[Exception], str]] = [
    (lambda config: config.periodic("0 4 31 2 *", "Job"), InvalidSchedule, "Job: '0 4 31 2 *' never fires"),
    (lambda config: config.periodic("@daily", "Job", tz="Mars/Base"), InvalidSchedule, "Job: there is no time zone"),
    (lambda config: config.periodic("@daily", 5), InvalidType, "5 is no job; make it one with @teep.job"),
    (lambda config: config.periodic("@daily", "Job", object()), InvalidArguments, "args"),
    (lambda config: config.periodic("@daily", "Job", catch_up="some"), InvalidSchedule, "catch_up must be one of"),  # type: ignore[arg-type]
    (lambda config: config.periodic("@daily", "Job", overlap="no"), InvalidSchedule, "overlap must be one of"),  # type: ignore[arg-type]
    (lambda config: config.periodic("@daily", "Job", jitter=-1), InvalidSchedule, "jitter must be seconds"),
    (lambda config: config.periodic("@daily", "Job", grace="1h"), InvalidSchedule, "grace must be seconds"),  # type: ignore[arg-type]
    (lambda config: config.periodic("@daily", "Job", description="\ud800"), InvalidSchedule, "description must be"),
    (lambda config: teep.periodic("@daily", args=5)(_poll()), InvalidArguments, "args must be a list, not 5"),  # type: ignore[arg-type]
    (lambda config: config.periodic("@daily", "Job", name=""), InvalidSchedule, "the name of a periodic job"),
    (lambda config: config.periodic("@daily", "Job", description=5), InvalidSchedule, "description must be a string"),  # type: ignore[arg-type]
    (lambda config: config.periodic("@daily", _poll(), 1, 2, 3), InvalidArguments, "poll"),
    (lambda config: config.periodic("@daily", _poll().set(wait=5)), InvalidJob, "for a time of its own"),
    (lambda config: config.periodic("@daily", _poll(unique_for=60), overlap="skip"), InvalidSchedule, "is unique"),
    (lambda _: teep.periodic("@daily")(lambda: None), InvalidType, "@teep.periodic stands above @teep.job"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "error", "sentence"), _REFUSED)
def test_what_cannot_be_is_refused_where_it_is_declared(
    declare: Callable[[teep.Config], Any], error: type[Exception], sentence: str, config: teep.Config
) -> None:
    with pytest.raises(error) as caught:
        declare(config)
    assert sentence in str(caught.value)
    assert entries_of(config) == {}


def test_a_secret_argument_is_refused(config: teep.Config) -> None:
    @teep.job(name="secret", encrypt=True)
    def secret(a: int, b: int) -> None: ...

    with pytest.raises(InvalidJob, match="would lie in its entry for all to read"):
        config.periodic("@daily", secret, 1, 2)


def test_one_name_is_for_one_entry(config: teep.Config) -> None:
    poll = teep.periodic("@daily")(_poll())
    with pytest.raises(
        InvalidSchedule, match="two periodic jobs have the name 'poll'; give one of them another name="
    ):
        teep.periodic("@hourly")(poll)
    with pytest.raises(InvalidSchedule, match="two periodic jobs have the name 'poll'"):
        teep.periodic("@hourly", name="poll")(
            type("Other", (), {"to_payload": lambda *_: {"class": "O", "args": []}})
        )
    config.periodic("@daily", "Job")
    with pytest.raises(InvalidSchedule, match="two periodic jobs have the name 'Job'"):
        config.periodic("@hourly", "Job")
    config.periodic("@weekly", poll)
    with pytest.raises(ConfigurationError, match="two periodic jobs have the name 'poll'"):
        entries_of(config)


def test_a_file_declares_them(tmp_path: Path) -> None:
    (tmp_path / "teep.toml").write_text("""
[periodic]
nightly = { cron = "0 4 * * *", class = "SomeRubyWorker", args = [1], tz = "Europe/Prague", queue = "low", retry = 5 }

[periodic.often]
every = "10m"
class = "app.jobs.poll"
catch_up = "none"
[environments.test.periodic]
other = { at = "2030-01-01", class = "Once" }
""")
    found = entries_of(teep.Config.from_file(tmp_path / "teep.toml", environment="production"))
    assert found["nightly"].job == {"queue": "low", "retry": 5, "class": "SomeRubyWorker", "args": [1]}
    assert (found["nightly"].tz, found["nightly"].source) == ("Europe/Prague", "static")
    assert (found["often"].schedule, found["often"].catch_up) == ("@every 10m", "none")
    assert list(entries_of(teep.Config.from_file(tmp_path / "teep.toml", environment="test"))) == ["other"]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('n = { cron = "0 4 31 2 *", class = "J" }', "n: '0 4 31 2 *' never fires"),
        ('n = { cron = "@daily" }', "n: a periodic job has a class, such as"),
        ('n = { class = "J" }', "n: a periodic job has one of cron, every, in, at; it has 0"),
        ('n = { cron = "@daily", every = "1m", class = "J" }', "it has 2"),
        ('n = "0 4 * * *"', "n: a periodic job is a table such as"),
        ('n = { cron = "@daily", class = "J", catchup = "all" }', "did you mean 'catch_up'?"),
        ('n = { cron = "@daily", class = "J", tz = "Prague" }', "n: there is no time zone 'Prague'"),
        ('n = { cron = "@daily", class = "J", retry = -1 }', "retry"),
        ('n = { cron = "@daily", class = "J", kwargs = [1] }', "kwargs must be a dict, not [1]"),
    ],
)
def test_what_a_file_declares_is_refused_with_its_place(table: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "teep.toml").write_text(f"[periodic]\n{table}\n")
    with pytest.raises(ConfigurationError) as caught:
        teep.Config.from_file(tmp_path / "teep.toml")
    assert sentence in str(caught.value)
    assert "teep.toml: periodic)" in str(caught.value)


def test_the_schedule_of_a_sidekiq_yml_declares_them(tmp_path: Path) -> None:
    (tmp_path / "sidekiq.yml").write_text("""
:schedule:
  cleanup:
    cron: "0 4 * * * Europe/Prague"
    class: CleanupWorker
    queue: low
    args: [1, two]
    description: tidies up
  HelloWorld:
    every: ["45m", {first_in: "5m"}]
    args: 7
  tick: {every: 30, class: Tick}
  words: {every: "2 hours", class: Words}
  once: {at: "2030/01/31 04:00", class: Once}
  soon: {in: 1h, class: Soon}
  off: {cron: "* * * * *", class: Off, enabled: false}
  disabled: {cron: "* * * * *", class: Off, status: disabled}
""")
    found = entries_of(teep.Config.from_file(tmp_path / "sidekiq.yml"))
    assert found["cleanup"].job == {"queue": "low", "class": "CleanupWorker", "args": [1, "two"]}
    assert found["cleanup"].description == "tidies up"
    assert {name: entry.schedule for name, entry in found.items()} == {
        "cleanup": "0 4 * * *",
        "HelloWorld": "@every 45m",
        "tick": "@every 30s",
        "words": "@every 2h",
        "once": "@at 2030-01-31 04:00",
        "soon": "@in 1h",
    }
    assert (found["HelloWorld"].job, found["cleanup"].tz) == ({"class": "HelloWorld", "args": [7]}, "Europe/Prague")


def test_a_sidekiq_yml_may_switch_them_all_off_or_be_wrong(tmp_path: Path) -> None:
    (tmp_path / "sidekiq.yml").write_text(":schedule:\n  a: {cron: 'every day at five', class: A}\n")
    with pytest.raises(ConfigurationError, match="a: 'every day at five' is no schedule"):
        teep.Config.from_file(tmp_path / "sidekiq.yml")


def test_options_of_a_value_are_checked_compared_and_pickled() -> None:
    import pickle

    schedule = {"nightly": {"cron": "@daily", "class": "Job"}}
    config = teep.Config(schedule=schedule)
    assert pickle.loads(pickle.dumps(config)) == config == teep.Config(schedule=schedule)
    with pytest.raises(ConfigurationError, match="schedule must hold periodic jobs by their names"):
        teep.Config(schedule=[1])  # type: ignore[arg-type]
