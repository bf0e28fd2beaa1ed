"""`teep completion`: a shell that has read the script completes commands, flags and files."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server

from .running import environment, output, teep


def completed(words: list[str]) -> set[str]:
    """What bash offers for the last word, where it has read the script."""
    program = f"""
{output("completion", "bash")}
COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
_teep_completion teep
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", program], env=environment(PATH=path), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_and_flags() -> None:
    assert completed(["teep", "e"]) == {"embedded", "errors"}
    assert completed(["teep", "worker", "app.jobs", "--max"]) == {"--max-rss", "--max-jobs"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_in_the_same_way(shell: str) -> None:
    assert f"_TEEP_COMPLETE={shell}_complete" in output("completion", shell)


def test_another_shell_is_refused() -> None:
    done = teep("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr


@pytest.fixture
def url(valkey: Server) -> str:
    valkey.flushall()
    valkey.command("SADD", "queues", "default", "mailers", "odd one")
    return valkey.url


@pytest.mark.slow("six times a shell and an interpreter")
def test_queues_are_completed_as_redis_has_them_now(url: str) -> None:
    given = ["--redis-url", url]
    assert completed(["teep", "pause", *given, "m"]) == {"mailers"}
    assert completed(["teep", "jobs", *given, "d"]) == {"dead", "default"}
    assert completed(["teep", "queues", *given, '""']) == {"default", "mailers"}
    assert completed(["teep", "move", "retries", *given, "--to", "ma"]) == {"mailers"}
    # In bash a colon ends a word.
    assert completed(["teep", "jobs", *given, "queue", ":", "de"]) == {"dead", "default"}
    assert completed(["teep", "jobs", *given, "queue:m"]) == {"queue:mailers"}


def test_behind_a_selection_the_names_of_a_filter_are_offered(url: str) -> None:
    assert completed(["teep", "jobs", "--redis-url", url, "retries", "ol"]) == {"older:"}


@pytest.mark.slow("three times a shell and an interpreter")
def test_without_redis_completion_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(["teep", "jobs", "--redis-url", "redis://127.0.0.1:1", "d"]) == {"dead"}
    assert completed(["teep", "pause", "--redis-url", "nonsense", '""']) == set()
    # The embedded server is not started for it.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    assert completed(["teep", "pause", '""']) == set()
    assert not (tmp_path / ".teep").exists()


# In a process of its own: a completion sets up logs and the configuration for good.
_ASKED = """
import sys, time
import click
from teep.cli.selecting.completing import complete_queue

context = click.Context(click.Command("pause"))
context.params = {"redis_url": sys.argv[1]}
before = time.monotonic()
assert complete_queue(context, click.Argument(["queues"]), "") == []
assert time.monotonic() - before < 5
"""


def test_a_redis_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        subprocess.run([sys.executable, "-c", _ASKED, url], env=environment(), check=True)
