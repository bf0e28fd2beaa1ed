"""A fork in a job is a plain child: it ends as it says, and does nothing of what its parent has to do."""

import os
import signal
import socket
import warnings

import pytest

from teep.runtime import identity
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess


@pytest.fixture
def fleet(valkey_fleet: Fleet) -> Fleet:
    """One server will do: it is processes that these tests are about."""
    return valkey_fleet


_PROGRAM = ("teep", "worker", "tests.worker.forking", "-q", "default")


def _children(fleet: Fleet) -> list[int]:
    return [int(pid) for pid in fleet.noted("children")]


def _ended_well(fleet: Fleet, process: WorkerProcess, jobs: int) -> None:
    """Look whether the parent settled these jobs, each once, and the children nothing."""
    fleet.wait_until_processed(jobs)
    assert fleet.members("retry") == fleet.members("dead") == []
    assert fleet.counters()[0] == jobs
    assert process.stop() == 0


@pytest.mark.slow("a worker starts, and forks five times")
@pytest.mark.parametrize("job", ["fork", "fork_async"])
def test_the_child_ends_as_it_says_and_the_parent_settles_the_job(fleet: Fleet, job: str) -> None:
    process = fleet.spawn("-c", "1", program=_PROGRAM)
    ways = {"sys.exit": 3, "sys.exit with a sentence": 1, "raise": 1, "os._exit": 4, "return": 0}
    for way in ways:
        fleet.push(job, way)
    assert fleet.wait_for_notes(len(ways)) == [str(code) for code in ways.values()]
    _ended_well(fleet, process, len(ways))
    assert fleet.counters() == (len(ways), 0)
    assert "the child's last words" in process.log
    assert process.log.count("ValueError: the child's own failure") == 1
    assert all(identity.state(pid) is identity.ProcessState.GONE for pid in _children(fleet))


def test_a_child_takes_no_more_items_of_an_iterable_job(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "1", program=_PROGRAM)
    fleet.push("fork_in_items")
    fleet.wait_until_processed(1)
    items = [item.split(" by ") for item in fleet.noted("items")]
    by_parent = [int(number) for number, pid in items if int(pid) == process.pid]
    by_child = [int(number) for number, pid in items if int(pid) != process.pid]
    assert (by_parent, by_child) == ([0, 1, 2], [0])
    assert fleet.noted() == ["0"]
    _ended_well(fleet, process, 1)


def test_a_child_of_an_error_handler_ends_too(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "1", program=_PROGRAM)
    fleet.push("fail_and_fork")
    fleet.wait_for_notes(1)
    fleet.wait_until_processed(1)
    assert len(fleet.members("dead")) <= 1
    (child,) = _children(fleet)
    assert identity.state(child) is identity.ProcessState.GONE
    assert process.stop() == 0


def test_a_child_can_push_and_log(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "1", program=_PROGRAM)
    fleet.push("push_from_child")
    assert sorted(fleet.wait_for_notes(2)) == ["0", "4"]
    _ended_well(fleet, process, 2)
    assert process.log.count("a line of the child") == 1


def test_children_end_on_term_as_they_would_without_a_worker(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "1", program=_PROGRAM)
    fleet.push("terminate")
    fleet.push("use_pool")
    fleet.push("run_program", ["true"])
    assert fleet.wait_for_notes(4) == ["-15", "3", "left", "0"]
    _ended_well(fleet, process, 3)


@pytest.mark.slow("a supervisor and its worker start and stop")
@pytest.mark.parametrize("supervised", [False, True])
def test_a_child_that_outlives_its_worker_holds_nothing_of_it(fleet: Fleet, *, supervised: bool) -> None:
    """The port of the health checks, the lifeline, the supervisor's channel."""
    port = free_port()
    flags = ["-c", "1", "--health", f"127.0.0.1:{port}"]
    if supervised:
        process = fleet.supervise(1, "--max-jobs", "1000", *flags, program=_PROGRAM).process
    else:
        process = fleet.spawn(*flags, program=_PROGRAM)
    fleet.push("hold_on", 60)
    (child,) = wait_until(lambda: _children(fleet), SOON, "the child")
    fleet.wait_until_processed(1)
    assert process.stop() == 0
    assert identity.state(child) is identity.ProcessState.RUNS
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass
    os.kill(child, signal.SIGKILL)


def test_a_worker_inside_of_a_program_starts_anew_in_a_fork_of_that(fleet: Fleet) -> None:
    """As gunicorn does it, which loads an application once and forks it."""
    worker = fleet.start()
    mine = worker.identity
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, which this test is about
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            worker.start()
            worker.start()
            code = 0 if worker.identity != mine and worker.stop() and worker.stop() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert worker.identity == mine
