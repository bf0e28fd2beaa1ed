"""The whole demo, as a user runs it, and as a user stops it."""

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from teep.demo.api.tour import SECTIONS
from tests.support.processes import command_lines
from tests.support.waiting import wait_until

from .recording.__main__ import LINES, record
from .running import COMMAND, environment

# The demo on a twelfth of its files, with shorter delays and a tenth of the jobs that do nothing. The whole of it
# is run by `.ci/run`, and by `make demo`.
BRISK = """
import sys
from teep.cli import main
import teep.demo
from teep.demo import speed
from teep.demo.fleet import work
run = sys.modules["teep.demo.run"]
every = run.python_files
run.python_files = lambda library: every(library)[::12]
work._AHEAD = (0.5, 1.0, 1.5)
speed._JOBS = 10_000
sys.argv = ["teep", "demo", *sys.argv[1:]]
main()
"""
BRISK_JOBS = 2 * 10_000
# What the demo starts, by a part of each command line.
PARTS = ("teep worker teep.demo.jobs", "keeper.py", "valkey-server")
PATIENCE = 100


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
        env=environment(TMPDIR=str(folder), PYTHONFAULTHANDLER="1", PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.terminate()


def ended(demo: "subprocess.Popen[str]", folder: Path) -> str:
    """Return what else a demo prints, once it has ended well and left nothing."""
    output, errors = demo.communicate(timeout=PATIENCE)
    assert (demo.returncode, errors) == (0, "")
    check_nothing_is_left(folder)
    return output


def read_until(demo: "subprocess.Popen[str]", text: str) -> str:
    """Return what a demo has printed, up to the line with this."""
    assert demo.stdout
    printed = ""
    for line in demo.stdout:
        printed += line
        if text in line:
            return printed
    raise AssertionError(f"it ended without {text!r}: {demo.communicate()[1]}")


def errors_of(demo: "subprocess.Popen[str]") -> str:
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


def check_lines(output: str, folder: Path) -> None:
    """What is no terminal gets plain lines, which fit into one."""
    lines = [line for line in output.splitlines() if str(folder) not in line]
    assert [line for line in lines if len(line) > 80 or not line.isprintable()] == []


def number(pattern: str, output: str) -> int:
    found = re.search(pattern, output, re.MULTILINE)
    assert found, f"nothing is like {pattern} in:\n{output}"
    return int(found[1].replace(",", ""))


def answer(output: str, call: str) -> str:
    """Return what is shown as the answer to a call."""
    found = re.search(rf"^>>> {re.escape(call)}\n((?:    .*\n)+)", output, re.MULTILINE)
    assert found, f"{call} has no answer in:\n{output}"
    return "".join(line.strip() for line in found[1].splitlines())


@pytest.mark.slow("worker processes analyse some files, and run all the rest, for a visitor as well", seconds=15)
def test_the_demo_with_the_web_page_which_stays_until_ctrl_c(folder: Path) -> None:
    with started(folder, sys.executable, "-c", BRISK, "--web") as demo:
        output = read_until(demo, "The web page is at")
        url = re.search(r"http://127\.0\.0\.1:\d+", output)
        assert url
        with urllib.request.urlopen(f"{url[0]}/queues/orders", timeout=20) as page:
            assert "charge" in page.read().decode()
        demo.send_signal(signal.SIGINT)
        output += ended(demo, folder)
    check_lines(output, folder)

    files = number(r"the ([\d,]+) files of Python", output)
    failed = number(r"^(\d+) files failed", output)
    assert number(r"^([\d,]+) of [\d,]+ files accounted for", output) == files + 3
    assert number(r"^[\d,]+ of ([\d,]+) files accounted for", output) == files + 3
    assert number(r": ([\d,]+) analysed", output) + failed == files + 3
    assert failed >= 3
    assert "SyntaxError" in output
    assert "UnicodeDecodeError" in output
    held = number(r"^✗ kill -9 \d+ at half time, with (\d+) jobs in its hands", output)
    assert re.search(
        rf"^✓ all {held} back in their queues after \d+\.\d s; \d+ has taken its place$", output, re.MULTILINE
    )

    assert number(r"a bare loop, reliable +([\d,]+) a second", output) > 0
    assert number(r"one teep worker +([\d,]+) a second", output) > 0
    calls = output[output.index("The data API") : output.index("More than a queue")]
    assert len(calls.strip().splitlines()) <= 41  # the title, and forty lines
    stored = answer(output, "job.value")
    assert '"encrypt":true' in stored
    assert '"customer 42"' in stored
    assert "4111" not in stored
    assert answer(output, "job.display_args, str(job.created_at)").startswith(
        "(['customer 42', '[encrypted data]'], '2"
    )
    done = answer(output, "stats.processed, stats.failed, stats.retry_size, stats.queues")
    assert done.startswith(f"({files + 3 + BRISK_JOBS}, {failed}, {failed}, {{'orders': 1")
    assert answer(output, "entry.retry(), retries.kill_all()") == f"(True, {failed - 1})"
    assert answer(output, "dead.size(), dead.max_jobs(), dead.timeout()").startswith(f"({failed - 1}, ")
    assert "teep.demo.jobs.watch" in output

    assert "A batch  1,000 jobs are over, 0 failed; then ran teep.demo.jobs.celebrate\n" in output
    assert re.search(
        r"^A tick   '\* \* \* \* \* \*' last fired at \d\d:\d\d:\d\d, once for the whole fleet$", output, re.MULTILINE
    )
    assert float(re.search(r"^A limit  11 jobs, 5 a second at most, took (\d+\.\d) s$", output, re.MULTILINE)[1]) >= 2  # type: ignore[index]
    assert "Nothing is left running." in output
    assert re.search(r"teep worker jobs ", output)


@pytest.mark.slow("as the whole demo, with a long tour", seconds=15)
def test_the_tour(folder: Path) -> None:
    with started(folder, sys.executable, "-c", BRISK, "--tour") as demo:
        output = ended(demo, folder)
    check_lines(output, folder)
    files, failed = number(r"the ([\d,]+) files of Python", output), number(r"^(\d+) files failed", output)
    assert number(r"^ ?all +([\d,]+)", output) + failed == files + 3
    assert re.findall(r"^\d  (.+?) ─", output, re.MULTILINE) == [section.title for section in SECTIONS]
    assert answer(output, "job.value").startswith("""'{"retry":5,"queue":"tour","tags":["demo"],"args":["/""")
    assert (
        answer(output, "stats.processed, stats.failed, stats.enqueued") == f"({files + 3 + BRISK_JOBS}, {failed}, 1)"
    )
    assert answer(output, "queue.find_job(job.jid) is None") == "True"
    assert answer(output, "scheduled.delete_by_jid(entry.score, jids[0])") == "True"
    assert answer(output, "retries.retry_all()") == str(failed)
    assert answer(output, "retries.kill_all()") == str(failed - 1)
    assert answer(output, "dead.clear()") == str(failed - 1)
    assert answer(output, "dead.size()") == "0"
    assert "<Work teep.demo.jobs.watch" in answer(output, "teep.WorkSet().find_work(work.job.jid)")


@pytest.mark.slow("as the whole demo, in a terminal", seconds=15)
def test_on_a_terminal_it_shows_the_fleet_live(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    frames = record([sys.executable, "-c", BRISK])
    check_nothing_is_left(folder)
    screens = [["".join(f"{run.text}  " for run in line) for line in frame.lines] for frame in frames]
    assert all(len(screen) == LINES for screen in screens)
    texts = ["\n".join(screen) for screen in screens]
    live = [text for text in texts if "jobs a second" in text]
    assert len(live) > 3
    assert any("killed" in text for text in live)
    # All of it is there at once: the files that are done, the queues, the workers, and the kill.
    shown = (" files", "heavy", "light", "to retry", "worker", "kill -9")
    assert any(all(text in screen for text in shown) for screen in live)


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(folder: Path) -> None:
    with started(folder) as demo:
        assert demo.stdout
        assert demo.stdout.readline().startswith("teep demo ")
        demo.send_signal(signal.SIGINT)
        errors = errors_of(demo)
    assert (demo.returncode, errors) == (130, "")
    check_nothing_is_left(folder)


@pytest.mark.slow("a server, its keepers and workers start, and stop in order")
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


@pytest.mark.slow("half of a demo", seconds=8)
@pytest.mark.parametrize("moment", ["✗ kill -9", "jobs that do nothing", ">>> retries", "More than a queue"])
def test_ctrl_c_at_any_moment_leaves_nothing(folder: Path, moment: str) -> None:
    with started(folder, sys.executable, "-c", BRISK) as demo:
        read_until(demo, moment)
        demo.send_signal(signal.SIGINT)
        errors = errors_of(demo)
    assert (demo.returncode, errors) == (130, "")
    check_nothing_is_left(folder)


def test_the_tour_fits_into_eighty_columns() -> None:
    for section in SECTIONS:
        assert len(section.line) <= 80
        for line in section.code.splitlines():
            assert len(line.strip()) <= 80 - len(">>> ")
