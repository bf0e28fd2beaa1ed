"""A worker's flags are read by argparse, and mean what they mean to typer."""

import shlex
import subprocess
import sys

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from teep.cli.flags import Flags
from teep.cli.options import with_flags
from teep.cli.reader import read

_WORDS = shlex.split("""
    app.jobs -c --concurrency 5 -c7 --concurrency=8 -q --queue critical,6 -qlow -t 2.5 -p --processes=2 --spawn --fork
    -v --json-logs --max-rss 512 --capsule serial:1:imports --redis-url redis://localhost/1 -e production -g --tag=web
    -C teep.toml --health 7433 --watchdog 0 -- --nonsense --help --conc '' - ü
""")


def by_typer(words: list[str]) -> Flags | None:
    """What typer makes of a command line; None where it explains instead."""
    read_flags: list[Flags] = []
    app = typer.Typer()
    app.command()(with_flags(Flags, read_flags.append))
    CliRunner().invoke(app, words)
    return read_flags[0] if read_flags else None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "app.jobs",
        "app.jobs -c 5 more.jobs -q critical,6 -qlow",
        "-c7 --queue=a -t 2.5 --fork -v --json-logs app.jobs",
        "--spawn --fork",
        "--max-rss 512 --max-jobs 1000 -p 2 --capsule serial:1:imports --capsule b:2:x:y",
        "-e production -g web -C deploy/teep.toml --health 127.0.0.1:7433 --watchdog 0 --redis-url redis://h/1",
    ],
)
def test_a_command_line_in_order_means_what_it_means_to_typer(line: str) -> None:
    words = shlex.split(line)
    flags = read(Flags, words)
    assert flags is not None
    assert settled(flags) == settled(by_typer(words))


@pytest.mark.parametrize(
    "line", ["--help", "-c five", "-c", "--conc 3", "--nonsense", "-t soon", "-x", "--spawn=1", "-- -c7"]
)
def test_any_other_is_left_to_typer(line: str) -> None:
    assert read(Flags, shlex.split(line)) is None


@given(st.lists(st.sampled_from(_WORDS), max_size=6))
def test_whatever_is_read_typer_reads_alike(words: list[str]) -> None:
    flags = read(Flags, words)
    if flags is not None:
        assert settled(flags) == settled(by_typer(words))


def settled(flags: Flags | None) -> dict[str, object]:
    """The flags that say something: an empty list says as little as None."""
    assert flags is not None, "typer refuses it"
    return {name: value for name, value in vars(flags).items() if value not in (None, [])}


def test_a_worker_does_not_load_what_typer_reads_with() -> None:
    program = """
import sys
from teep.cli import main
sys.argv[1:] = ["worker", "no.such.module"]
try:
    main()
except (SystemExit, ImportError):
    print("pydantic" in sys.modules, "teep.worker" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("False True\n", 1)
