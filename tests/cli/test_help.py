"""Help, version, and how errors come out."""

import pytest

import teep as library
from teep.cli.app import app

from .running import output, sentence, teep

COMMANDS = [str(command.name) for command in app.registered_commands]


def test_the_help_lists_every_command() -> None:
    text = output("--help")
    assert {"demo", "worker", "stats", "queues", "bench"} <= set(COMMANDS)
    for command in COMMANDS:
        assert f" {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    text = output(command, "--help")
    assert f"Example: teep {command}" in text
    assert "--log-level" in text


def test_without_a_command_the_help_comes() -> None:
    assert "Usage:" in teep().stdout


def test_the_version() -> None:
    assert output("--version") == f"teep {library.__version__}\n"


@pytest.mark.parametrize("command", [("stats",), ("queues",), ("bench",)])
def test_an_unreachable_redis_is_one_sentence(command: tuple[str, ...]) -> None:
    line = sentence(teep(*command, "--redis-url", "redis://127.0.0.1:1/0", "--log-level", "ERROR"))
    assert line.startswith("teep: ")
    assert "127.0.0.1:1" in line


@pytest.mark.parametrize("url", ["http://127.0.0.1/0", "nonsense"])
def test_a_url_that_is_none_is_one_sentence(url: str) -> None:
    assert "the Redis URL must begin with" in sentence(teep("stats", "--redis-url", url))


def test_an_unknown_log_level_is_one_sentence() -> None:
    assert "there is no log level 'LOUD'" in sentence(teep("stats", TEEP_LOG_LEVEL="LOUD"))


def test_an_unknown_module_is_one_sentence() -> None:
    assert "there is no module 'nowhere'" in sentence(teep("worker", "nowhere", "--log-level", "ERROR"))
