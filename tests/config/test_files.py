"""teep.toml and pyproject.toml: what they may say, which one is read, and what is refused in which words."""

from pathlib import Path

import pytest

import teep
from teep import CapsuleConfig
from teep.config.sources.resolution import resolve
from teep.config.sources.settings import SETTINGS
from teep.errors import ConfigurationError

from .conftest import Write

WHOLE = """
modules = ["app.jobs", "app.reports"]
redis_url = "redis://localhost:6379/3"
concurrency = 20
queues = ["critical,6", ["default", 3], "low,1"]
timeout = 8.5
labels = ["blue"]
log_level = "warning"
json_logs = true
spawn = true

[job_defaults]
retry = 3

[capsules.serial]
concurrency = 1
queues = ["imports"]

[capsules.wide]
queues = ["exports"]

[environments.test]
concurrency = 2
queues = ["test"]

[environments.production]
redis_url = "redis://redis.internal:6379/0"
"""


def test_a_file_says_what_config_and_worker_go_by(write: Write) -> None:
    settings = resolve({}, write(WHOLE), {})
    config = settings.config(teep.Config)
    assert (config.redis_url, config.concurrency, config.timeout) == ("redis://localhost:6379/3", 20, 8.5)
    assert (config.queues, config.labels) == (("critical,6", "default,3", "low,1"), ("blue",))
    assert dict(config.job_defaults) == {"retry": 3}
    assert config.capsules == {
        "serial": CapsuleConfig(concurrency=1, queues=["imports"]),
        "wide": CapsuleConfig(concurrency=20, queues=["exports"]),
    }
    worker = {name: settings.get(name, None) for name in ("modules", "log_level", "json_logs", "spawn")}
    assert worker == {
        "modules": ["app.jobs", "app.reports"], "log_level": "warning", "json_logs": True, "spawn": True,
    }  # fmt: skip


def test_the_section_of_the_environment_goes_over_the_top_level(write: Write) -> None:
    file = write(WHOLE)
    test, production = (teep.Config.from_file(file, name) for name in ("test", "production"))
    assert (test.environment, test.concurrency, test.queues) == ("test", 2, ("test",))
    assert (test.redis_url, test.timeout) == ("redis://localhost:6379/3", 8.5)
    assert (production.redis_url, production.concurrency) == ("redis://redis.internal:6379/0", 20)


def test_a_file_may_name_its_environment_itself(write: Write) -> None:
    file = write('environment = "test"\nconcurrency = 5\n[environments.test]\nconcurrency = 2\n')
    assert teep.Config.from_file(file).concurrency == 2
    assert teep.Config.from_file(file, "production").concurrency == 5


def test_pyproject_has_a_table_for_it(write: Write) -> None:
    file = write("[tool.teep]\nconcurrency = 4\n[tool.teep.environments.test]\nconcurrency = 2\n", "pyproject.toml")
    settings = resolve({}, file, {"APP_ENV": "test"})
    assert settings.found["concurrency"] == (2, "pyproject.toml: tool.teep.environments.test.concurrency")


def test_the_file_of_the_working_directory_is_found(write: Write) -> None:
    assert resolve({}, None, {}).file is None
    write(":concurrency: 1", "config/sidekiq.yml")  # Ruby's queues are not served unasked
    write("[tool.ruff]\n", "pyproject.toml")
    assert resolve({}, None, {}).file is None
    write("[tool.teep]\nconcurrency = 4\n", "pyproject.toml")
    assert resolve({}, None, {}).config(teep.Config).concurrency == 4
    write("concurrency = 3\n")
    settings = resolve({}, None, {})
    assert (settings.file, settings.config(teep.Config).concurrency) == (Path("teep.toml"), 3)


def test_a_named_file_is_read_instead(write: Write) -> None:
    write("concurrency = 3\n")
    other = write("concurrency = 8\n", "other.toml")
    assert resolve({}, other, {}).config(teep.Config).concurrency == 8
    assert resolve({}, None, {"TEEP_CONFIG": "other.toml"}).config(teep.Config).concurrency == 8
    assert resolve({}, Path("none"), {"TEEP_CONFIG": "other.toml"}).config(teep.Config).concurrency == 10
    assert resolve({}, None, {"TEEP_CONFIG": "none"}).config(teep.Config).concurrency == 10


def test_every_problem_is_told_at_once(write: Write) -> None:
    file = write("""
        concurency = 3
        timeout = "long"
        redis_url = 5
        log_level = "LOUD"
        modules = "app.jobs"
        spawn = "no"
        [environments.production]
        xyzzy = 1
    """)
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, file, {"TEEP_MAX_RSS": "much"}).config(teep.Config)
    assert str(caught.value) == "; ".join([
        "TEEP_MAX_RSS must be a whole number, not 'much'",
        "there is no setting 'concurency'; did you mean 'concurrency'? (teep.toml: concurency)",
        f"there is no setting 'xyzzy'; there are {', '.join(SETTINGS)} (teep.toml: environments.production.xyzzy)",
        "modules must be a list of strings, such as ['app.jobs'], not 'app.jobs' (teep.toml: modules)",
        "there is no log level 'LOUD'; there are DEBUG, INFO, WARNING and ERROR (teep.toml: log_level)",
        "spawn must be true or false, not 'no' (teep.toml: spawn)",
        "redis_url must be a string such as redis://localhost:6379/0, not 5 (teep.toml: redis_url)",
        "timeout must be seconds, at least 0, not 'long' (teep.toml: timeout)",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("concurrency = ", "teep.toml", "teep.toml cannot be read: Invalid value (at end of document)"),
        ("[tool.other]", "pyproject.toml", "pyproject.toml has no table [tool.teep]"),
        ("tool = 5", "pyproject.toml", "pyproject.toml has no table [tool.teep]"),
        ("environments = 5", "teep.toml", "environments must hold tables, such as [environments.test]"),
        ("concurrency = 5", "teep.ini", "teep.ini must be a .toml, or a .yml of Sidekiq's"),
    ],
)
def test_a_file_that_cannot_be_read(text: str, name: str, sentence: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as caught:
        teep.Config.from_file(write(text, name))
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match=r"^there is no configuration file nowhere.toml$"):
        teep.Config.from_file("nowhere.toml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "teep.toml").write_bytes(b"tag = '\xff'")
    with pytest.raises(ConfigurationError, match=r"teep.toml cannot be read: it is not UTF-8"):
        teep.Config.from_file("teep.toml")


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "teep.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"teep.toml cannot be read: Is a directory"):
        teep.Config.from_file("teep.toml")
