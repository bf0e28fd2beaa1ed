"""The whole demo, as a user runs it, and as a user stops it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from teep.demo.tour import SECTIONS
from tests.support.processes import command_lines
from tests.support.waiting import wait_until

from .running import COMMAND, environment

# The demo on a fourth of its files. The whole of it is run by `.ci/run`, and by `make demo`.
BRISK = """
import sys
from teep.cli import main
import teep.demo
run = sys.modules["teep.demo.run"]
every = run.python_files
run.python_files = lambda library: every(library)[::4]
sys.argv = ["teep", "demo"]
main()
"""
# What the demo starts, by a part of each command line.
PARTS = ("teep worker teep.demo.jobs", "keeper.py", "valkey-server")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo puts its temporary folder: a short path, so that the server's socket lies in it, too."""
    with TemporaryDirectory(prefix="teep-") as folder:
        yield Path(folder)


@contextmanager
def started(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A demo with its temporary folder inside `folder`; a test that fails does not leave it running."""
    with subprocess.Popen(
        command or [*COMMAND, "demo"],
        env=environment(TMPDIR=str(folder), PYTHONFAULTHANDLER="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.terminate()


def errors_of(demo: subprocess.Popen[str]) -> str:
    """Return what a demo that is about to end has printed as errors; of one that does not end, where it stands."""
    try:
        return demo.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        demo.send_signal(signal.SIGABRT)
        return demo.communicate(timeout=60)[1]


def left(folder: Path) -> list[str]:
    """Return the command lines of the processes that were started for something in `folder`."""
    return [line for line in command_lines().values() if str(folder) in line]


def all_parts_run(folder: Path) -> bool:
    running = left(folder)
    return all(any(part in line for line in running) for part in PARTS)


def check_nothing_is_left(folder: Path) -> None:
    assert not [line for line in left(folder) if "keeper.py" not in line]
    # The keeper ends itself in the instant after the server, which the demo has waited for.
    wait_until(lambda: not left(folder), 20, lambda: f"these to end: {left(folder)}")
    assert list(folder.iterdir()) == []


def answer(output: str, call: str) -> str:
    """Return what the tour shows as the answer to a call."""
    found = re.search(rf"^>>> {re.escape(call)}\n((?:    .*\n)+)", output, re.MULTILINE)
    assert found, f"{call} has no answer in:\n{output}"
    return "".join(line.strip() for line in found[1].splitlines())


@pytest.mark.slow("it analyses every fourth file of Python's standard library, and the tour waits for retries")
def test_the_demo(folder: Path) -> None:
    with started(folder, sys.executable, "-c", BRISK) as demo:
        output, errors = demo.communicate(timeout=100)
    assert (demo.returncode, errors) == (0, "")
    check_nothing_is_left(folder)
    # What is no terminal gets plain lines.
    assert all(line.isprintable() and len(line) <= 80 for line in output.splitlines())

    files = int(re.search(r"the ([\d,]+) files of Python", output)[1].replace(",", ""))  # type: ignore[index]
    failed = int(re.search(r"^(\d+) files failed", output, re.MULTILINE)[1])  # type: ignore[index]
    analysed = int(re.search(r"^ ?all +([\d,]+)", output, re.MULTILINE)[1].replace(",", ""))  # type: ignore[index]
    assert analysed + failed == files + 3
    assert failed >= 3
    assert "SyntaxError" in output
    assert "UnicodeDecodeError" in output

    titles = re.findall(r"^\d  (.+?) ─", output, re.MULTILINE)
    assert titles == [section.title for section in SECTIONS]
    assert answer(output, "job.value").startswith("""'{"retry":5,"queue":"tour","tags":["demo"],"args":["/""")
    assert answer(output, "stats.processed, stats.failed, stats.enqueued") == f"({files + 3}, {failed}, 1)"
    assert answer(output, "queue.find_job(job.jid) is None") == "True"
    assert answer(output, "scheduled.delete_by_jid(entry.score, jids[0])") == "True"
    assert answer(output, "retries.retry_all()") == str(failed)
    assert answer(output, "retries.kill_all()") == str(failed - 1)
    assert answer(output, "dead.clear()") == str(failed - 1)
    assert answer(output, "dead.size()") == "0"
    assert "<Work teep.demo.jobs.watch" in answer(output, "teep.WorkSet().find_work(work.job.jid)")


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(folder: Path) -> None:
    with started(folder) as demo:
        assert demo.stdout
        assert demo.stdout.readline().startswith("teep demo ")
        demo.send_signal(signal.SIGINT)
        errors = errors_of(demo)
    assert (demo.returncode, errors) == (130, "")
    check_nothing_is_left(folder)


@pytest.mark.slow("a server, its keepers and a worker start, and stop in order")
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_leaves_nothing(folder: Path, sign: signal.Signals, status: int) -> None:
    with started(folder) as demo:
        wait_until(lambda: all_parts_run(folder), 30, lambda: f"the demo's parts, of which there are {left(folder)}")
        (own,) = folder.glob("teep-demo-*")
        results = own / "results.jsonl"
        wait_until(lambda: results.exists() and results.stat().st_size, 30, "the first result")
        demo.send_signal(sign)
        errors = errors_of(demo)
    assert (demo.returncode, errors) == (status, "")
    check_nothing_is_left(folder)


def test_the_tour_fits_into_eighty_columns() -> None:
    for section in SECTIONS:
        assert len(section.line) <= 80
        for line in section.code.splitlines():
            assert len(line.strip()) <= 80 - len(">>> ")
