"""A worker in a process of its own: `WorkerProcess`."""

import signal
import sys
from pathlib import Path

import pytest

import teep
from teep.testing import wait_until
from teep.testing.process import WorkerEnded, WorkerProcess

_JOBS = """
import os
import teep

@teep.job(name="tell")
def tell(word):
    print("told", word, os.environ["OWN"], flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_jobs.py").write_text(_JOBS)
    return tmp_path


def test_it_is_ready_runs_jobs_and_stops(teep_redis: teep.Config, folder: Path) -> None:
    with WorkerProcess("own_jobs", "-c", "1", folder=folder, environment={"OWN": "here"}) as worker:
        (process,) = teep.ProcessSet()
        assert (process.pid, process.concurrency) == (worker.pid, 1)
        worker.wait_until_ready()
        teep.Client().push({"class": "tell", "args": ["all"]})
        wait_until(lambda: "told all here" in worker.log, what=lambda: worker.log)
        assert (worker.returncode, worker.is_alive) == (None, True)
        worker.check()
    assert (worker.returncode, worker.is_alive) == (0, False)
    assert "bye" in worker.log
    assert "service manager" not in worker.log
    assert (worker.stop(), worker.kill()) == (0, 0)


def test_one_that_dies_at_its_start_is_told_with_its_last_lines(teep_redis: teep.Config, folder: Path) -> None:
    expected = r"(?s)^the worker ended with status 1; its last lines:\n.*no_such_module"
    with pytest.raises(WorkerEnded, match=expected), WorkerProcess("no_such_module", folder=folder):
        pass


def test_one_that_is_not_ready_in_time_and_does_not_stop_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)",
        "time.sleep(60)",
    )
    worker = WorkerProcess(redis_url="redis://nowhere", command=(sys.executable, "-c", "; ".join(deaf)))
    wait_until(lambda: worker.log)
    with pytest.raises(TimeoutError, match=r"^the worker was not ready within 0\.1 s; its last lines:\ndeaf"):
        worker.wait_until_ready(0.1)
    assert worker.stop(0.1) == worker.wait() == -signal.SIGKILL


@pytest.mark.parametrize("isolated", [False, True])
def test_what_a_user_says_of_workers_holds_unless_it_is_isolated(
    monkeypatch: pytest.MonkeyPatch, isolated: bool
) -> None:
    monkeypatch.setenv("TEEP_CONCURRENCY", "7")
    monkeypatch.setenv("TEEP_OWN", "kept")
    monkeypatch.delenv("TEEP_CONFIG", raising=False)
    shown = ("TEEP_CONCURRENCY", "TEEP_CONFIG", "TEEP_OWN", "TEEP_REDIS_URL")
    show = f"import os; print(*map(os.environ.get, {shown}))"
    worker = WorkerProcess(redis_url="redis://one", isolated=isolated, command=(sys.executable, "-c", show))
    assert worker.wait() == 0
    assert worker.log.split() == [*(("None", "none") if isolated else ("7", "None")), "kept", "redis://one"]
