"""Workers that a file and their own code configure, as processes of their own."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

import teep
from teep.wire import keys
from tests.support.servers import Server, free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, Supervised, WorkerProcess
from tests.worker.probes import ask

BY_FILE = ("teep", "worker")
CODE = """
import time

import teep

config = teep.configure(labels=["by-code"], timeout=5)

@teep.job(name="first")
def first():
    second.perform_async()

@teep.job(name="second", queue="elsewhere")
def second():
    pass

def note(job, call_next):
    call_next()
    teep.Client().push({"class": "seen", "args": [job["jid"]], "queue": "seen"})

config.server_middleware.add(note)

@teep.job(name="third")
def third():
    time.sleep(3600)

def tell(job, reason):
    teep.Client().push({"class": "dead", "args": [job["jid"]], "queue": "dead"})

config.death_handlers.append(tell)
"""


@pytest.fixture
def fleet(valkey: Server) -> Fleet:
    valkey.flushall()
    return Fleet(valkey)


@pytest.fixture
def file(tmp_path: Path, fleet: Fleet) -> Path:
    """A file that says all there is to say; beside it lies the code."""
    (tmp_path / "configured_jobs.py").write_text(CODE)
    file = tmp_path / "teep.toml"
    file.write_text(
        f'modules = ["configured_jobs"]\nconcurrency = 2\nredis_url = "{fleet.server.url}"\ntimeout = 5\n'
        '[environments.production]\ntag = "from-file"\n'
    )
    return file


def spawn(fleet: Fleet, file: Path, *arguments: str) -> WorkerProcess:
    return fleet.spawn(
        "-C", str(file), *arguments, program=BY_FILE, path=file.parent,
        environment={"REDIS_URL": "", "APP_ENV": "production"},
    )  # fmt: skip


def only_process(fleet: Fleet) -> teep.Process:
    (process,) = teep.ProcessSet(config=fleet.config)
    return process


def test_a_file_is_all_that_a_worker_needs(fleet: Fleet, file: Path) -> None:
    with fleet:
        worker = spawn(fleet, file)
        process = only_process(fleet)
        assert (process.tag, process.concurrency, process.labels) == ("from-file", 2, ["by-code"])
        assert f"configured by {file}" in worker.log
        assert worker.stop() == 0


def test_code_configures_the_worker_that_runs_it(fleet: Fleet, file: Path) -> None:
    with fleet:
        spawn(fleet, file, "-c", "3", "-q", "default")
        jid = fleet.push("first")
        (seen,) = wait_until(lambda: fleet.queue("seen"), SOON, "the middleware to be called")
        assert json.loads(seen)["args"] == [jid]
        assert len(fleet.queue("elsewhere")) == 1  # a job pushes to the Redis of the worker that runs it
        assert only_process(fleet).concurrency == 3


@pytest.mark.parametrize("how", ["--fork", "--spawn"])
def test_code_configures_the_workers_of_a_supervisor(how: str, fleet: Fleet, file: Path) -> None:
    with fleet:
        supervised = fleet.supervise(
            2, how, "-C", str(file), program=BY_FILE, path=file.parent, environment={"REDIS_URL": ""},
        )  # fmt: skip
        assert len(supervised.workers()) == 2
        assert [process.labels for process in teep.ProcessSet(config=fleet.config)] == [["by-code"]] * 2


def test_code_cannot_say_what_the_supervisor_goes_by(fleet: Fleet, file: Path) -> None:
    (file.parent / "configured_jobs.py").write_text(CODE.replace("timeout=5", "timeout=99"))
    with fleet:
        worker = fleet.spawn(
            "-C", str(file), "-p", "2", await_up=False, program=BY_FILE, path=file.parent,
            environment={"REDIS_URL": ""},
        )  # fmt: skip
        assert worker.wait() == 1
        assert "code sets timeout, which must be known before any code runs" in worker.log


def supervise_by_file(fleet: Fleet, file: Path, *arguments: str) -> Supervised:
    file.write_text(f"processes = 2\n{file.read_text()}")
    return fleet.supervise(
        2, "-C", str(file), *arguments, by_file=True, program=BY_FILE, path=file.parent,
        environment={"REDIS_URL": ""},
    )  # fmt: skip


@pytest.mark.slow("a supervisor and its workers start, and try to start anew")
@pytest.mark.parametrize(
    ("whole", "broken", "problem"),
    [
        ("processes = 2", "procesess = 2", "there is no setting 'procesess'"),
        ("modules = ", "labels = ", "there are no jobs to run"),
    ],
)
def test_a_restart_with_a_broken_file_leaves_the_old_workers_at_work(
    whole: str, broken: str, problem: str, fleet: Fleet, file: Path
) -> None:
    with fleet:
        supervised = supervise_by_file(fleet, file)
        before = supervised.workers()
        text = file.read_text()
        file.write_text(text.replace(whole, broken))
        supervised.process.signal(signal.SIGUSR2)
        supervised.process.wait_for_log(f"the old one goes on: {problem}")
        fleet.push("first")
        wait_until(lambda: fleet.queue("seen"), SOON, "a job to be run")
        assert supervised.workers() == before
        file.write_text(text.replace("concurrency = 2", "concurrency = 4"))
        supervised.process.signal(signal.SIGUSR2)
        supervised.await_workers(2, besides=before)
        supervised.await_end(before)
        assert [process.concurrency for process in teep.ProcessSet(config=fleet.config)] == [4, 4]


@pytest.mark.slow("a supervisor and its workers start, and start anew")
def test_a_restart_may_leave_one_worker_and_no_health_checks_where_the_address_is_taken(
    fleet: Fleet, file: Path
) -> None:
    before_it, taken = free_port(), free_port()
    with fleet, socket.create_server(("127.0.0.1", taken)):
        file.write_text(f"health = '{before_it}'\n{file.read_text()}")
        supervised = supervise_by_file(fleet, file)
        before = supervised.workers()
        text = file.read_text().replace("processes = 2", "processes = 1")
        file.write_text(text.replace(str(before_it), str(taken)))
        supervised.process.signal(signal.SIGUSR2)
        new = supervised.await_workers(1, besides=before)
        supervised.await_end(before)
        assert f"health checks cannot be answered at 127.0.0.1:{taken}" in supervised.process.log
        file.write_text(text)
        supervised.process.signal(signal.SIGUSR2)
        supervised.await_workers(1, besides=[*before, *new])
        assert ask(before_it, "/live")[0] == 200


@pytest.mark.slow("a supervisor and its workers start, and start anew")
def test_a_spawned_worker_keeps_its_supervisor_whatever_the_file_says_by_now(fleet: Fleet, file: Path) -> None:
    with fleet:
        supervised = supervise_by_file(fleet, file, "--spawn")
        before = supervised.await_workers(2)
        file.write_text(file.read_text().replace("processes = 2", "processes = 1"))
        os.kill(before[0], signal.SIGKILL)
        supervised.await_workers(1, besides=before)


def test_what_code_configures_holds_for_the_last_rescue_too(fleet: Fleet, file: Path) -> None:
    with fleet:
        supervised = supervise_by_file(fleet, file, "--fork")
        jid = fleet.push("third", rescues=2)
        wait_until(lambda: fleet.server.command("KEYS", keys.suspects("*")), SOON, "the suspect to start")
        supervised.process.signal(signal.SIGTSTP)
        supervised.process.wait_for_log("quiet: workers take no more jobs")
        before = supervised.await_workers(2)
        for pid in before:  # at once, so that no sibling rescues
            os.kill(pid, signal.SIGKILL)
        supervised.await_end(before)
        assert supervised.process.stop() == 0
        assert [json.loads(dead)["args"] for dead in fleet.queue("dead")] == [[jid]], supervised.process.log
