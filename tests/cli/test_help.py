"""Help, version, and how errors come out."""

import os
import subprocess

import click
import pytest

import teep as library
from teep.cli.app import app
from teep.cli.endings import NO_REDIS, USAGE
from teep.cli.group import Group

from .running import COMMAND, environment, on_terminal, output, sentence, teep

GROUPS = {name: group for name, group in app.commands.items() if isinstance(group, click.Group)}
COMMANDS = [
    *((name,) for name in app.commands if name not in GROUPS),
    *((name, each) for name, group in GROUPS.items() for each in group.commands),
]
# They do nothing that logs.
SILENT = ("embedded", "completion")


def test_the_help_lists_every_command() -> None:
    text = output("--help")
    assert {"demo", "worker", "config", "stats", "queues", "bench", "embedded", "completion"} <= set(app.commands)
    for command in app.commands:
        assert f" {command} " in text
    assert "Start here: teep demo" in text


def test_the_help_has_the_commands_in_groups() -> None:
    lines = output("--help").splitlines()
    sections = [line.strip("╭─╮ ") for line in lines if line.startswith("╭")]
    assert sections[:5] == ["Options", "Look", "Act", "Run", "Set up, and try"]
    said = [next(line.index(word) for line in lines if word in line) for word in ("Show the counters", "Delete jobs")]
    assert said[0] == said[1]  # one below the other


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=lambda words: " ".join(("teep", *words)))
def test_the_help_is_whole_at_80_columns(command: tuple[str, ...]) -> None:
    lines = output(*command, "--help").splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines).replace("jid:0198c3…", "")


def test_what_is_said_of_a_command_is_a_sentence() -> None:
    for words in COMMANDS:
        command = app.commands[words[0]]
        one = command.commands[words[1]] if isinstance(command, click.Group) else command
        assert " ".join((one.help or "").split("\n\n")[0].split()).endswith("."), words
        for param in one.params:
            assert str(getattr(param, "help", "")).endswith("."), (words, param.name)


def test_the_summary_of_a_command_is_how_its_help_begins() -> None:
    groups = [app, *(group for group in GROUPS.values() if isinstance(group, Group))]
    for group in groups:
        for name, entry in ((name, entry) for entries in group.sections.values() for name, entry in entries.items()):
            said = " ".join((group.commands[name].help or "").split())
            assert entry.summary.endswith("."), name
            assert said.startswith(entry.summary[:-1]), name
            assert len(entry.summary) <= 64 or group is not app, name  # a line of the page


@pytest.mark.parametrize("columns", ["20", "40", "60"])
def test_the_help_fits_into_a_narrow_terminal(columns: str) -> None:
    lines = output("worker", "--help", COLUMNS=columns).splitlines()
    assert max(map(len, lines)) <= max(int(columns), 40)
    assert len({len(line) for line in lines if line.startswith(("╭", "│", "╰"))}) == 1  # no box is broken
    assert "--capsule" in "".join(lines)


@pytest.mark.parametrize(("no_colour", "is_coloured"), [("", True), ("1", False)])
def test_the_help_is_in_colour_on_a_terminal(no_colour: str, is_coloured: bool) -> None:
    code, screen = on_terminal("jobs", "--help", NO_COLOR=no_colour)
    assert (code, "\033[" in screen) == (0, is_coloured)
    assert "[bold]" not in screen


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    text = " ".join(output(*command, "--help", COLUMNS="200").split())
    assert "Example: " in text
    assert f"teep {' '.join(command)}" in text.partition("Example: ")[2]
    assert command[0] in SILENT or "--log-level" in text


def test_the_help_names_every_flag_with_what_it_takes() -> None:
    rows = [line.strip("│ ").split() for line in output("worker", "--help", COLUMNS="120").splitlines()]
    flags = app.commands["worker"].params
    for row in (["--queue", "-q", "NAME"], ["--max-rss", "MB"], ["--spawn,", "--fork", "How"], ["[MODULE]..."]):
        assert row in [found[: len(row)] for found in rows]
    assert {name for flag in flags for name in flag.opts if name.startswith("--")} <= {
        word.strip(",") for row in rows for word in row
    }


def test_the_help_says_what_holds_otherwise() -> None:
    text = " ".join(output("bench", "--help", COLUMNS="200").split())
    assert "[env var: TEEP_LOG_LEVEL] [default: WARNING]" in text
    assert "[x>=10000] [default: 100000]" in text


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_shows_its_commands(group: str) -> None:
    done = teep(group)
    assert (done.returncode, done.stderr) == (2, "")
    for command in GROUPS[group].commands:
        assert f" {command} " in done.stdout


def test_without_a_command_the_help_comes() -> None:
    done = teep()
    assert (done.returncode, done.stderr) == (2, "")
    assert "Usage:" in done.stdout


def test_a_pipe_that_is_closed_ends_a_command_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [*COMMAND, "completion", "zsh"],
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_version() -> None:
    assert output("--version") == f"teep {library.__version__}\n"


@pytest.mark.parametrize("command", [("stats",), ("queues",), ("bench",)])
def test_an_unreachable_redis_is_one_sentence(command: tuple[str, ...]) -> None:
    line = sentence(teep(*command, "--redis-url", "redis://127.0.0.1:1/0", "--log-level", "ERROR"), NO_REDIS)
    assert line.startswith("teep: ")
    assert "127.0.0.1:1" in line


@pytest.mark.parametrize("url", ["http://127.0.0.1/0", "nonsense"])
def test_a_url_that_is_none_is_one_sentence(url: str) -> None:
    assert "the Redis URL must begin with" in sentence(teep("stats", "--redis-url", url), USAGE)


def test_an_unknown_log_level_is_one_sentence() -> None:
    assert "there is no log level 'LOUD'" in sentence(teep("stats", TEEP_LOG_LEVEL="LOUD"), USAGE)


def test_an_unknown_module_is_one_sentence() -> None:
    assert "there is no module 'nowhere'" in sentence(teep("worker", "nowhere", "--log-level", "ERROR"))
