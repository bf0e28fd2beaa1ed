"""The whole demo, as a user runs it, and as a user stops it."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from teep.demo.tour import SECTIONS
from tests.support.waiting import wait_until

from .running import COMMAND, environment

# What the demo starts, by a part of each command line.
PARTS = ("teep worker teep.demo.jobs", "keeper.py", "valkey-server")


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the demo with its temporary folder inside `folder`."""
    return subprocess.Popen(
        [*COMMAND, "demo"],
        env=environment(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(folder: Path) -> list[str]:
    """Return the processes that were started for something in `folder`, as pid and command line."""
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if str(folder) in line]


def all_parts_run(folder: Path) -> bool:
    running = left(folder)
    return all(any(part in line for line in running) for part in PARTS)


def check_nothing_is_left(folder: Path) -> None:
    assert not [line for line in left(folder) if "keeper.py" not in line]
    # The keeper ends itself in the instant after the server, which the demo has waited for.
    wait_until(lambda: not left(folder), 2, lambda: f"these to end: {left(folder)}")
    assert list(folder.iterdir()) == []


def answer(output: str, call: str) -> str:
    """Return what the tour shows as the answer to a call."""
    found = re.search(rf"^>>> {re.escape(call)}\n((?:    .*\n)+)", output, re.MULTILINE)
    assert found, f"{call} has no answer in:\n{output}"
    return "".join(line.strip() for line in found[1].splitlines())


def test_the_demo(tmp_path: Path) -> None:
    demo = start(tmp_path)
    output, errors = demo.communicate(timeout=100)
    assert (demo.returncode, errors) == (0, "")
    check_nothing_is_left(tmp_path)
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


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert demo.stdout
    assert demo.stdout.readline().startswith("teep demo ")
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (130, "")
    check_nothing_is_left(tmp_path)


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_leaves_nothing(tmp_path: Path, sign: signal.Signals, status: int) -> None:
    demo = start(tmp_path)
    wait_until(lambda: all_parts_run(tmp_path), 30, lambda: f"the demo's parts, of which there are {left(tmp_path)}")
    (folder,) = tmp_path.iterdir()
    results = folder / "results.jsonl"
    wait_until(lambda: results.exists() and results.stat().st_size, 30, "the first result")
    demo.send_signal(sign)
    _, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (status, "")
    check_nothing_is_left(tmp_path)


def test_the_tour_fits_into_eighty_columns() -> None:
    for section in SECTIONS:
        assert len(section.line) <= 80
        for line in section.code.splitlines():
            assert len(line.strip()) <= 80 - len(">>> ")
