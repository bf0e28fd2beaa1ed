"""`teep worker` as the first process of a container, and without standard streams."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Server
from tests.support.waiting import wait_until

_SOON = 15.0
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
# Linux gives orphans to the nearest such process, as to the first one of a container.
_AS_FIRST_PROCESS = """
import ctypes, os, signal, subprocess, sys, time
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
from teep.cli.init import become_init
first = os.getpid()
become_init()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _start(code: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _AS_FIRST_PROCESS + code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT)


def test_what_jobs_leave_behind_is_waited_for_and_the_workers_children_are_not() -> None:
    process = _start(
        """
orphan = subprocess.run(["sh", "-c", "sleep 0.05 & echo $!"], stdout=subprocess.PIPE, text=True).stdout
own = subprocess.Popen(["sh", "-c", "exit 7"])
while os.path.exists(f"/proc/{orphan.strip()}"):
    time.sleep(0.01)
print(own.wait())
sys.exit(3)
"""
    )
    assert process.communicate(timeout=_SOON)[0] == "7\n"
    assert process.returncode == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 128 + 15), (signal.SIGUSR2, 128 + 12)])
def test_signals_go_to_the_worker_and_its_end_is_the_containers(number: signal.Signals, code: int) -> None:
    process = _start("print('up', flush=True)\ntime.sleep(60)")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    assert process.wait(_SOON) == code
    process.stdout.close()


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_worker_runs_without_its_standard_streams(closed: str, folder: Path, valkey: Server) -> None:
    valkey.flushall()
    (folder / "jobs.py").write_text(
        "import os, sys, teep\n"
        "@teep.job\n"
        "def tell():\n"
        "    sys.stderr.write('lost')\n"
        "    os.write(2, b'lost')\n"
        "    open('ran', 'w').close()\n"
        "tell.perform_async()\n"
    )
    process = subprocess.Popen(
        ["sh", "-c", f"exec {sys.executable} -m teep worker jobs {closed}"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=_ENVIRONMENT | {"REDIS_URL": valkey.url},
    )
    wait_until((folder / "ran").exists, _SOON, "the job to run")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=_SOON)[0]
    assert process.returncode == 0
    assert said == ("" if ">&- 2" in closed and "<&- 2" not in closed else f"{_WORD}\n")


_WORD = "teep: standard error is closed, so this worker logs nothing"
