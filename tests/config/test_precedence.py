"""One precedence: a flag, else code, else a variable, else the file, else the default."""

import pytest

import teep
from teep.config.default import install, set_by_code
from teep.config.sources.resolution import Settings, resolve
from teep.config.sources.settings import SETTINGS, has_text
from teep.config.sources.variables import Found
from teep.errors import ConfigurationError

from .conftest import Write

FILE = "concurrency = 2\ntimeout = 2\nmax_retries = 2\ndead_max_jobs = 2\n"
VARIABLES = {"TEEP_CONCURRENCY": "3", "TEEP_TIMEOUT": "3", "TEEP_MAX_RETRIES": "3"}
FLAGS = {"concurrency": Found(5, "--concurrency")}


@pytest.fixture
def settings(write: Write) -> Settings:
    return resolve(FLAGS, write(FILE), VARIABLES)


def in_order(config: teep.Config) -> tuple[float, ...]:
    return config.concurrency, config.timeout, config.max_retries, config.dead_max_jobs, config.watchdog


def test_flags_then_variables_then_the_file_then_the_default(settings: Settings) -> None:
    assert in_order(settings.config(teep.Config)) == (5, 3, 3, 2, 300)
    assert {name: found.source for name, found in settings.found.items()} == {
        "concurrency": "--concurrency",
        "timeout": "TEEP_TIMEOUT",
        "max_retries": "TEEP_MAX_RETRIES",
        "dead_max_jobs": "teep.toml: dead_max_jobs",
    }


def test_a_commands_settings_are_the_process_wide_ones(settings: Settings) -> None:
    assert install(settings) is teep.default_config()
    assert teep.Client().config is teep.default_config()


def test_code_goes_between_flags_and_variables(settings: Settings) -> None:
    install(settings)
    made = teep.configure(concurrency=4, timeout=4, watchdog=4)
    assert in_order(made) == (5, 4, 3, 2, 4)
    assert teep.default_config() is made


def test_none_says_nothing(write: Write) -> None:
    install(resolve({}, write("redis_url = 'redis://file:6379'\nmax_rss = 5"), {}))
    for made in (teep.configure(redis_url=None, timeout=4), teep.configure(teep.Config(timeout=4))):
        assert (made.redis_url, made.max_rss, made.timeout) == ("redis://file:6379", 5, 4)


def test_a_whole_config_of_code_goes_under_the_flags(settings: Settings) -> None:
    install(settings)
    whole = teep.Config(concurrency=4, timeout=4)
    whole.death_handlers.append(lambda _job, _error: None)
    made = teep.configure(whole)
    assert in_order(made) == (5, 4, 3, 2, 300)
    assert set_by_code() == {"concurrency", "timeout"}
    assert made.death_handlers == whole.death_handlers


def test_elsewhere_a_whole_config_is_taken_as_it_is(write: Write) -> None:
    config = teep.Config.from_file(write(FILE))
    assert teep.configure(config) is config is teep.default_config()
    assert in_order(teep.configure(config, timeout=9)) == (2, 9, 2, 2, 300)


def test_from_file_reads_the_variables_as_the_worker_does(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEEP_CONCURRENCY", "3")
    monkeypatch.setenv("REDIS_URL", "redis://variable:6379")
    config = teep.Config.from_file(write(FILE + "redis_url = 'redis://file:6379'"))
    assert (config.concurrency, config.timeout, config.redis_url) == (3, 2, "redis://variable:6379")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("queues", "critical,6 default,3", ("critical,6", "default,3")),
        ("labels", "blue green", ("blue", "green")),
        ("timeout", "2.5", 2.5),
        ("max_rss", "512", 512),
        ("health", "7433", "7433"),
        ("timestamps", "milliseconds", "milliseconds"),
        ("poll_interval_average", "3", 3.0),
    ],
)
def test_a_variable_is_read_by_its_settings_type(name: str, text: str, value: object) -> None:
    assert getattr(resolve({}, None, {f"TEEP_{name.upper()}": text}).config(teep.Config), name) == value


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("no", False), ("0", False)])
def test_yes_and_no(text: str, value: bool) -> None:
    assert resolve({}, None, {"TEEP_JSON_LOGS": text}).get("json_logs", None) is value


def test_mappings_have_no_variable() -> None:
    assert {name for name in SETTINGS if not has_text(name)} == {"capsules", "job_defaults", "schedule"}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("TEEP_CONCURRENCY", "many", "TEEP_CONCURRENCY must be a whole number, not 'many'"),
        ("TEEP_CONCURRENCY", "0", "concurrency must be a whole number from 1, not 0 (TEEP_CONCURRENCY)"),
        ("TEEP_TIMEOUT", "long", "TEEP_TIMEOUT must be a number of seconds, not 'long'"),
        ("TEEP_SPAWN", "maybe", "TEEP_SPAWN must be true or false, not 'maybe'"),
    ],
)
def test_a_variable_that_does_not_fit(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, None, {name: text}).config(teep.Config)
    assert str(caught.value) == sentence


def test_an_empty_variable_says_nothing(write: Write) -> None:
    assert resolve({}, write(FILE), {"TEEP_CONCURRENCY": ""}).config(teep.Config).concurrency == 2
