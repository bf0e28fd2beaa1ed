"""A program finds the file that the commands find, and says where each value comes from."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import teep
from teep import embedded
from teep.config import connections, isolated, redis_url_for
from teep.config.connections import redis_in_words
from teep.config.sources.resolution import resolve
from teep.embedded import project
from teep.errors import ConfigurationError
from tests.config.conftest import Write


@pytest.fixture(autouse=True)
def _unknown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(connections, "_told", False)
    with isolated():
        yield


def _below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")


def test_a_program_goes_by_the_nearest_file_upward(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('redis_url = "redis://:s3cret@127.0.0.1:1/5"\nconcurrency = 3')
    _below(tmp_path, monkeypatch)
    config = teep.default_config()
    assert (config.redis_url, config.concurrency) == ("redis://:s3cret@127.0.0.1:1/5", 3)
    assert config.sources["concurrency"] == f"{tmp_path / 'teep.toml'}: concurrency"
    assert config.sources["timeout"] == "default"
    assert repr(config) == "Config(redis_url='redis://:***@127.0.0.1:1/5', concurrency=3)"
    assert resolve({}).config(teep.Config).redis_url == config.redis_url, "the commands find the same"
    # A configuration of one's own that names no Redis is not sent to another.
    assert redis_url_for(teep.Config(timeout=1)) == config.redis_url
    assert redis_in_words(teep.Config()) == "redis://:***@127.0.0.1:1/5"


def test_code_then_variables_then_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("concurrency = 3\ntimeout = 4\nmax_retries = 5")
    monkeypatch.setenv("TEEP_TIMEOUT", "6")
    monkeypatch.setenv("TEEP_REDIS_URL", "redis://one")
    config = teep.configure(concurrency=10)
    assert (config.concurrency, config.timeout, config.max_retries, config.redis_url) == (10, 6, 5, "redis://one")
    said = {name: source for name, source in config.sources.items() if source != "default"}
    assert said == {
        "concurrency": "argument",
        "timeout": "TEEP_TIMEOUT",
        "max_retries": "teep.toml: max_retries",
        "redis_url": "TEEP_REDIS_URL",
    }
    copied = config.copy(timeout=7)
    assert (copied.sources["timeout"], copied.sources["max_retries"]) == ("argument", "teep.toml: max_retries")


def test_a_pyproject_counts_only_with_a_table_of_teeps(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("[tool.teep]\nconcurrency = 3", "pyproject.toml")
    _below(tmp_path, monkeypatch)
    (tmp_path / "a" / "pyproject.toml").write_text("this is [no TOML")
    (tmp_path / "a" / "b" / "pyproject.toml").write_text('[project]\nname = "teep-shop"')
    assert teep.default_config().concurrency == 3


@pytest.mark.parametrize("text", ["[no TOML", "concurency = 3", 'timeout = "long"'])
def test_a_broken_file_is_told_to_a_program_that_pushes(write: Write, text: str) -> None:
    write(text)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"teep\.toml"):
            teep.Client().push({"class": "C", "args": []})


def test_no_file_is_read_where_that_is_said(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("concurrency = 3")
    monkeypatch.setenv("TEEP_CONFIG", "none")
    assert teep.default_config().concurrency == 10


def test_a_byte_order_mark_is_no_text(write: Write) -> None:
    write("\ufeffconcurrency = 3")
    assert teep.default_config().concurrency == 3


def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("TEEP_CONCURENCY", "3")
    monkeypatch.setenv("TEEP_SHOP_SECRET", "x")
    with caplog.at_level(logging.WARNING, "teep"):
        teep.default_config()
    assert [record.getMessage() for record in caplog.records] == [
        "teep does not read the variable TEEP_CONCURENCY; did you mean TEEP_CONCURRENCY?"
    ]


def test_no_project_begins_in_a_folder_that_is_open_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manage.py").touch()
    _below(tmp_path, monkeypatch)
    assert project.project_folder() == tmp_path
    tmp_path.chmod(0o777)
    assert project.project_folder() is None
    tmp_path.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project.project_folder() is None, "a home folder is no project"


def test_the_embedded_store_is_the_projects(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[project]", "pyproject.toml")
    _below(tmp_path, monkeypatch)
    assert embedded.data_dir() == tmp_path / ".teep"
    assert redis_in_words(teep.Config()) == f"the embedded server in {tmp_path / '.teep'}, for development"
    with embedded.acquire():
        assert (tmp_path / ".teep" / ".gitignore").read_text() == "*\n"
    monkeypatch.setenv("TEEP_DATA_DIR", str(tmp_path / "else"))
    assert embedded.data_dir() == tmp_path / "else"


def test_the_embedded_server_is_told_once(
    write: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write("", "teep.toml")
    with caplog.at_level(logging.WARNING, "teep"):
        for _ in range(2):
            teep.Queue().size()
    (record,) = caplog.records
    assert record.getMessage() == (
        f"no redis_url is set: using the embedded server in {tmp_path / '.teep'}, for development"
    )


@pytest.mark.parametrize("variable", ["TEEP_ENV", "TEEP_ENVIRONMENT", "APP_ENV", "RAILS_ENV"])
def test_production_does_not_use_the_embedded_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setenv(variable, "production")
    with pytest.raises(ConfigurationError, match=rf"for development, .* production \({variable}\): set REDIS_URL"):
        teep.Client().push({"class": "C", "args": []})
    assert not list(tmp_path.iterdir())


def test_where_no_redis_is_configured_that_is_all_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "is_available", lambda: False)
    # A coroutine that nobody ran would be a warning, which is an error in this suite.
    for ask in (lambda: teep.Client().push({"class": "C", "args": []}), teep.Stats, lambda: list(teep.RetrySet())):
        with pytest.raises(ConfigurationError, match="no Redis is configured"):
            ask()


def test_a_program_pushes_from_a_folder_that_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "import teep, json\n"
        "config = teep.default_config()\n"
        "print(json.dumps([config.tag, teep.Config(redis_url='redis://x').tag]))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(teep.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["", ""]


def test_a_configuration_shows_no_secret() -> None:
    config = teep.Config(redis_url="redis+sentinel://u:s3cret@a/main/0?sentinel_password=s3cret", labels=["x"])
    assert "s3cret" not in repr(config)
    assert repr(config).endswith("labels=('x',))")
    assert repr(teep.Config()) == "Config()"
    with pytest.raises(ConfigurationError) as caught:
        teep.Config(redis_url=b"redis://:s3cret@host")  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)
