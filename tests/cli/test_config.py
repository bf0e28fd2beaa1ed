"""`teep config`, and the file that every command goes by."""

import json
from pathlib import Path
from typing import Any

import pytest

from teep import Client, Config, ProcessSet
from teep.config.sources.settings import SETTINGS
from teep.testing.process import WorkerProcess
from tests.support.servers import Server

from .running import output, printed, sentence, teep

FILE = """
modules = ["code"]
concurrency = 2
timeout = 2
max_retries = 2
redis_url = "redis://user:secret@127.0.0.1:6379/0"
[capsules.serial]
concurrency = 1
queues = ["imports", "exports,2"]
"""
CODE = """
import teep
teep.configure(timeout=4, watchdog=4, concurrency=4)

@teep.job
def noop():
    pass
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("APP_ENV", "RAILS_ENV", "RACK_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teep.toml").write_text(FILE)
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path


def shown(*arguments: str, **variables: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(output("config", "--json", *arguments, **variables))
    return shown


def test_each_setting_has_its_value_and_its_source() -> None:
    document = shown("-c", "5", TEEP_CONCURRENCY="3", TEEP_TIMEOUT="3", TEEP_DEAD_MAX_JOBS="3")
    settings = document["settings"]
    assert list(settings) == list(SETTINGS)
    assert (document["file"], document["ignored"]) == ("teep.toml", [])
    expected = {
        "modules": (["code"], "teep.toml: modules"),
        "concurrency": (5, "--concurrency"),
        "timeout": (4, "code"),
        "watchdog": (4, "code"),
        "dead_max_jobs": (3, "TEEP_DEAD_MAX_JOBS"),
        "max_retries": (2, "teep.toml: max_retries"),
        "max_rss": (None, "default"),
        "environment": ("development", "default"),
        "redis_url": ("redis://user:***@127.0.0.1:6379/0", "teep.toml: redis_url"),
        "capsules": (
            {"serial": {"concurrency": 1, "queues": ["imports", "exports,2"]}},
            "teep.toml: capsules",
        ),
    }
    assert {name: (settings[name]["value"], settings[name]["source"]) for name in expected} == expected


def test_as_a_table() -> None:
    lines = output(
        "config", "-q", "critical,3", "-q", "default", "-v", "--max-rss", "512", COLUMNS="120"
    ).splitlines()
    rows = [line.split("  ", 1) for line in (line.strip() for line in lines) if "  " in line]
    table = {name: [part.strip() for part in rest.split("  ") if part.strip()] for name, rest in rows}
    assert table["setting"] == ["value", "from"]
    assert table["queues"] == ["critical,3 default", "--queue"]
    assert table["capsules"] == ["serial:1:imports:exports,2", "teep.toml: capsules"]
    assert table["redis_url"] == ["redis://user:***@127.0.0.1:6379/0", "teep.toml: redis_url"]
    assert table["log_level"] == ["DEBUG", "--verbose"]
    assert table["max_rss"] == ["512", "--max-rss"]
    assert table["json_logs"] == ["no", "default"]
    assert "File: teep.toml" in lines


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        ("redis://:secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("redis://secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("rediss://me:sec%2Fret@127.0.0.1:1/0", "rediss://me:***@127.0.0.1:1/0"),
        ("unix://me:secret@/tmp/redis.sock?db=1", "unix://me:***@/tmp/redis.sock?db=1"),
        ("redis://127.0.0.1:1/0?password=secret&db=1", "redis://127.0.0.1:1/0?password=***&db=1"),
        (
            "redis+sentinel://me:secret@a:1,b:2/main/0?sentinel_password=secret",
            "redis+sentinel://me:***@a:1,b:2/main/0?sentinel_password=***",
        ),
    ],
)
def test_passwords_are_not_shown(url: str, masked: str) -> None:
    from teep.drivers.connections import urls

    assert "secret" not in repr(Config(redis_url=url))
    assert urls.masked(url) == masked


def test_sidekiqs_file_and_what_has_no_use_there(folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "sidekiq.yml").write_text(
        ":concurrency: 5\n:require: ./app.rb\n:limits: 5\n:production:\n  :concurrency: 15\n"
    )
    text = output("config", "code", "-C", "config/sidekiq.yml", "-e", "production", "-c", "3", COLUMNS="120")
    assert "Of no use to teep there: require, limits" in text
    document = shown("-C", "config/sidekiq.yml", RAILS_ENV="production", TEEP_MODULES="")
    assert document["settings"]["concurrency"] == {
        "value": 15, "source": "config/sidekiq.yml: production.concurrency",
    }  # fmt: skip


def test_without_a_file() -> None:
    assert shown("-C", "none")["file"] is None
    text = output("config", TEEP_CONFIG="none", COLUMNS="120")
    assert "(the embedded server)" in text
    assert "File: none" in text


def test_problems_come_as_one_line(folder: Path) -> None:
    (folder / "teep.toml").write_text("concurency = 1\ntimeout = 'x'\n")
    for command in (["config"], ["stats"], ["worker"]):
        assert sentence(teep(*command), 1 if command == ["worker"] else 2) == (
            "teep: there is no setting 'concurency'; did you mean 'concurrency'? (teep.toml: concurency);"
            " timeout must be seconds, at least 0, not 'x' (teep.toml: timeout)"
        )


def test_other_commands_find_redis_by_the_file(valkey: Server, folder: Path) -> None:
    valkey.flushall()
    Client(Config(redis_url=valkey.url)).push({"class": "Noop", "args": []})
    (folder / "other.toml").write_text(f"[environments.production]\nredis_url = {valkey.url!r}\n")
    assert json.loads(output("stats", "--json", "-C", "other.toml", "-e", "production"))["enqueued"] == 1
    (folder / "other.toml").rename(folder / "teep.toml")
    (queue,) = printed("queues", APP_ENV="production")
    assert queue["size"] == 1
    elsewhere = sentence(teep("stats", "-e", "production", REDIS_URL="redis://127.0.0.1:1"), 3)
    assert "127.0.0.1:1" in elsewhere


@pytest.mark.parametrize("variable", [None, "TEEP_HEALTH", "TEEP_PROCESSES"])
def test_a_worker_that_a_command_brings_along_goes_by_no_settings_of_the_users(
    variable: str | None, valkey: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey.flushall()
    if variable is None:
        (folder / "teep.toml").write_text("concurency = 1\n")
    else:
        monkeypatch.setenv(variable, "unfit")
    with WorkerProcess("code", redis_url=valkey.url, isolated=True) as worker:
        (process,) = ProcessSet(config=Config(redis_url=valkey.url))
    assert (process.pid, worker.returncode) == (worker.pid, 0)


def test_a_worker_without_modules_says_how_to_name_them() -> None:
    line = sentence(teep("worker", "-C", "none"))
    assert line.startswith("teep: there are no jobs to run: name the modules that define them")


@pytest.mark.parametrize(
    ("code", "named"), [("processes=2, max_jobs=5", "processes, max_jobs"), ("max_rss=9", "max_rss")]
)
def test_code_cannot_ask_for_a_supervisor(code: str, named: str, folder: Path) -> None:
    (folder / "code.py").write_text(f"import teep\nteep.configure({code})\nteep.job(name='code')(print)\n")
    line = sentence(teep("worker", "--log-level", "ERROR"))
    assert f"code sets {named}, which must be known before any code runs" in line
