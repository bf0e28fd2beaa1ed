"""teep as an app of a Django project."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server

PROGRAM = """
import django, json, teep
from django.conf import settings
from django.db import transaction

settings.configure(
    INSTALLED_APPS=["teep.integrations.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "default.sqlite3"}},
    TEEP=json.loads(input()),
)
django.setup()
with transaction.atomic():
    teep.Client().push({"class": "the.job", "args": [1]})
    assert teep.Queue().size() == 0
assert teep.default_config().concurrency == 3
print(teep.Queue().size())
"""


def test_as_an_installed_app(valkey: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps({"redis_url": valkey.url, "concurrency": 3}),
        cwd=tmp_path, env={**os.environ, "TEEP_REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


@pytest.mark.slow("interpreters that import Django, one after the other")
def test_commands_go_by_the_settings(valkey: Server, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(
        'INSTALLED_APPS = ["teep.integrations.django"]\nSECRET_KEY = "key"\n'
        f"TEEP = {{'redis_url': {valkey.url!r}, 'concurrency': 7}}\n"
    )
    valkey.flushall()
    valkey.command("SET", "stat:processed", 42)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "REDIS_URL": "redis://127.0.0.1:1"}
    manage = ("-m", "django", "teep")
    for program in (("-m", "teep"), manage):
        shown = _output(*program, "stats", "--json", cwd=tmp_path, environment=environment)
        assert json.loads(shown)["processed"] == 42
    flags = _output(
        *manage, "config", "--json", "-c", "9", "--settings", "settings", cwd=tmp_path, environment=environment
    )
    settings = json.loads(flags)["settings"]
    assert settings["concurrency"] == {"value": 9, "source": "--concurrency"}
    assert settings["redis_url"] == {"value": valkey.url, "source": "code"}


def test_settings_that_cannot_be_imported_are_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "no_such_settings"}
    for command in ("stats", "worker"):
        done = _run("-m", "teep", command, cwd=tmp_path, environment=environment)
        assert done.returncode == (1 if command == "worker" else 2)
        assert done.stderr.startswith(
            "teep: the Django project of DJANGO_SETTINGS_MODULE=no_such_settings cannot be imported:"
            " ModuleNotFoundError: No module named 'no_such_settings'\n"
        )


def _output(*arguments: str, cwd: Path, environment: dict[str, str]) -> str:
    done = _run(*arguments, cwd=cwd, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(*arguments: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = environment | {"PYTHONPATH": str(cwd)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
