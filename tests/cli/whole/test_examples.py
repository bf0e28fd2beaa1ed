"""The example in the help of each command works as it is written."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teep.cli.app import app
from tests.cli.running import environment
from tests.cli.test_help import COMMANDS
from tests.support.servers import Server
from tests.support.waiting import wait_until

# Those that other tests run, since they take long or want a terminal.
ELSEWHERE = {"demo": "test_demo.py", "bench": "test_bench.py", "top": "tests/tui"}
ENDLESS = ("worker", "web", "stats")

JOBS = """
import teep

@teep.job
def welcome(user: int) -> str:
    return f"hello {user}"
"""
RETRY = (
    '{"class":"Import","args":[1],"jid":"01a22d40b2570e0b29c7e22a","queue":"low","error_class":"Timeout",'
    '"enqueued_at":1700000000.0}'
)
OLD = '{"class":"resize","args":[1],"jid":"old","queue":"default","tags":["eu"],"enqueued_at":1700000000.0}'


def example(words: tuple[str, ...]) -> str:
    """The example in a command's help."""
    command = app.commands[words[0]]
    for word in words[1:]:
        command = command.commands[word]  # type: ignore[attr-defined]  # a group
    (found,) = re.findall(r"Example: \[bold\](.*?)\[/bold\]", command.help or "")
    return str(found)


@pytest.fixture
def folder(tmp_path: Path, valkey: Server) -> Path:
    """A project's folder, and jobs that the examples mean."""
    valkey.flushall()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "jobs.py").write_text(JOBS)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sidekiq.yml").write_text(":concurrency: 5\n")
    for key in ("retry", "dead"):
        valkey.command("ZADD", key, 1_700_000_000, RETRY)
    valkey.command("LPUSH", "queue:default", OLD)
    valkey.command("SADD", "queues", "default")
    return tmp_path


@pytest.mark.slow("each is a shell and an interpreter")
@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] not in ELSEWHERE], ids=" ".join)
def test_an_example_works(words: tuple[str, ...], folder: Path, valkey: Server) -> None:
    line = example(words)
    variables = environment(
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        HOME=str(folder), REDIS_URL="" if words[0] == "embedded" else valkey.url, TEEP_DATA_DIR=str(folder / "data"),
    )  # fmt: skip
    if words == ("periodic",):
        make_nightly(valkey)
    if words == ("completion",):
        (folder / ".local/share/bash-completion/completions").mkdir(parents=True)
    if words[0] in ENDLESS:
        check_endless(line, folder, variables)
        return
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    # Of what was pushed nowhere nothing is known.
    assert done.returncode in ((0, 1) if words[0] in ("result", "kill", "processes") else (0,)), done.stderr
    assert "Traceback" not in done.stderr


def make_nightly(server: Server) -> None:
    import teep

    teep.PeriodicSet(config=teep.Config(redis_url=server.url)).create("nightly", "@daily", "SomeJob")


def check_endless(line: str, folder: Path, variables: dict[str, str]) -> None:
    """One that ends by Ctrl-C."""
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=folder,
            env=variables,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: re.search(r" with concurrency 20|page is at|processed", log.read_text()), 40, log.read_text
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_each_command_has_one() -> None:
    for words in COMMANDS:
        assert example(words).split("|")[-1].split()[0] == "teep"
