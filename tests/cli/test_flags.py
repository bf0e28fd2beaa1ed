"""A worker's flags: what a command line means, and what is refused with a word about it."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from teep.cli.command import command
from teep.cli.flags import Flags

from .running import teep


def read(line: str) -> Flags:
    """What a worker's command line means."""
    found: list[Flags] = []

    def run(flags: Flags) -> None:
        found.append(flags)

    command("worker", run).main(shlex.split(line), standalone_mode=False)()
    (flags,) = found
    return flags


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Flags()),
        ("app.jobs", Flags(modules=("app.jobs",))),
        (
            "app.jobs -c 5 more.jobs -q critical,6 -qlow",
            Flags(modules=("app.jobs", "more.jobs"), concurrency=5, queues=("critical,6", "low")),
        ),
        (
            "-c7 --queue=a -t 2.5 --fork -v --json-logs app.jobs --log-level debug",
            Flags(
                modules=("app.jobs",),
                concurrency=7,
                queues=("a",),
                timeout=2.5,
                spawn=False,
                verbose=True,
                json_logs=True,
                log_level="debug",
            ),
        ),
        ("--fork --spawn -c 1 -c 2", Flags(spawn=True, concurrency=2)),
        (
            "--max-rss 512 --max-jobs 1000 -p 2 --capsule serial:1:imports --capsule b:2:x:y",
            Flags(max_rss=512, max_jobs=1000, processes=2, capsules=("serial:1:imports", "b:2:x:y")),
        ),
        (
            "-e production -g web -C deploy/teep.toml --health 127.0.0.1:7433 --watchdog 0 --redis-url redis://h/1",
            Flags(
                environment="production",
                tag="web",
                config=Path("deploy/teep.toml"),
                health="127.0.0.1:7433",
                watchdog=0,
                redis_url="redis://h/1",
            ),
        ),
        ("-c 3 -- -c7 --help", Flags(modules=("-c7", "--help"), concurrency=3)),
        ("'' ü --tag ''", Flags(modules=("", "ü"), tag="")),
    ],
)
def test_what_a_command_line_means(line: str, meant: Flags) -> None:
    assert read(line) == meant


@pytest.mark.parametrize("line", ["-c five", "-c", "--conc 3", "--nonsense", "-t soon", "-x", "--spawn=1"])
def test_what_is_out_of_order_is_refused(line: str) -> None:
    with pytest.raises(click.UsageError):
        read(line)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["worker", "--cuncurrency", "3"], "Did you mean '--concurrency'?"),
        (["worker", "-c", "five"], "Invalid value for '--concurrency' / '-c': 'five' is not a valid integer."),
        (["stats", "--jsn"], "Did you mean '--json'?"),
        (["stats", "low"], "Got unexpected extra argument (low)"),
    ],
)
def test_a_mistake_is_told_with_the_usage_and_what_was_meant(words: list[str], hint: str) -> None:
    done = teep(*words)
    assert (done.returncode, done.stdout) == (2, "")
    usage, *_, error = done.stderr.splitlines()
    assert usage.startswith("Usage: ")
    assert f" {words[0]} [OPTIONS]" in usage
    assert hint in error


def test_an_unknown_command_is_told_with_the_usage() -> None:
    done = teep("wroker")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'wroker'" in done.stderr
    assert "Usage: " in done.stderr


def test_a_worker_runs_with_nothing_of_the_parser_around_it() -> None:
    # Which would turn an error of the operating system's into an exit without a word, and Ctrl-C into another status.
    program = """
import sys
from teep.cli.commands import worker
def run(flags: worker.WorkerFlags): raise BrokenPipeError("of anything")
worker.worker = run
from teep.cli import main
sys.argv[1:] = ["worker"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("BrokenPipeError: of anything\n")
    assert "click" not in done.stderr
