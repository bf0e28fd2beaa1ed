"""A job that holds the interpreter does not make its process die in Redis; being stopped or killed does."""

import os
import signal
import time
from pathlib import Path

import pytest

from teep.runtime import identity
from teep.runtime.component import Component
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess

_QUICK = ("tests.worker.program",)
# Seconds that a process is given to live, instead of a minute, once its heart does not beat.
_EXPIRY = 5


def _spawn(fleet: Fleet) -> WorkerProcess:
    process = fleet.spawn(program=_QUICK)
    wait_until(lambda: _children(process.pid), SOON, "the lifeline to run")
    return process


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text("ascii").split()]


def _hold_interpreter(fleet: Fleet, name: str) -> str:
    """Run a job that holds the GIL well beyond the expiry; returns when it has begun."""
    jid = fleet.push("hold_interpreter", _EXPIRY + 3.0)
    fleet.wait_for_notes(1, "begun")
    # The time to live is what Redis has after the last beat, only shorter; the next beat restores the minute.
    fleet.server.command("EXPIRE", name, _EXPIRY)
    return jid


def _assert_ran_once(fleet: Fleet, jid: str, name: str) -> None:
    rescuer = Rescuer(Component.alone(fleet.config, _fail, "me:1:0"))

    def has_ended() -> bool:
        rescuer.run_once()
        assert fleet.server.command("EXISTS", name) == 1
        assert name.encode() in fleet.server.command("SMEMBERS", "processes")
        assert len(fleet.in_flight()) == 1 or fleet.noted()
        return bool(fleet.noted())

    wait_until(has_ended, 2 * SOON, "the job to end")
    fleet.wait_until_processed(1)
    assert (fleet.noted(), fleet.noted("begun"), fleet.counters()) == ([jid], [jid], (1, 0))


def _fail(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


@pytest.mark.slow("the interpreter is held for longer than a heartbeat lives")
def test_a_job_that_holds_the_interpreter_runs_once(fleet: Fleet) -> None:
    process = _spawn(fleet)
    name = fleet.identity(process)
    jid = _hold_interpreter(fleet, name)
    _assert_ran_once(fleet, jid, name)
    process.wait_for_log("this process was kept alive in Redis")
    assert "given to others" not in process.log
    # Reserving goes on.
    fleet.push("note", "afterwards")
    fleet.wait_for_notes(1, "afterwards")


@pytest.mark.slow("the interpreter is held for longer than a heartbeat lives")
def test_a_supervisor_has_its_workers_kept_alive(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2, program=_QUICK)
    pids = supervised.await_workers(2)
    assert [_children(pid) for pid in pids] == [[], []]
    jid = valkey_fleet.push("hold_interpreter", _EXPIRY + 3.0)
    valkey_fleet.wait_for_notes(1, "begun")
    names = supervised.workers()
    for name in names.values():
        valkey_fleet.server.command("EXPIRE", name, _EXPIRY)
    holder = next(name for name in names.values() if valkey_fleet.server.command("KEYS", f"*inflight:{name}"))
    _assert_ran_once(valkey_fleet, jid, holder)
    assert "is kept alive from outside" in supervised.process.log
    wait_until(lambda: len(_children(supervised.process.pid)) == 2, SOON, "its process to be gone again")


@pytest.mark.slow("it is stopped for longer than a heartbeat lives")
def test_a_worker_that_is_stopped_is_not_kept_alive(valkey_fleet: Fleet) -> None:
    process = _spawn(valkey_fleet)
    name = valkey_fleet.identity(process)
    process.signal(signal.SIGSTOP)

    def has_expired() -> bool:
        left = valkey_fleet.server.command("TTL", name)
        if left > _EXPIRY:  # also where a beat that was under way at the stop came after this
            valkey_fleet.server.command("EXPIRE", name, _EXPIRY)
        return bool(left < 0)

    wait_until(has_expired, SOON, "the process to expire")
    # Woken, it registers anew and works on.
    process.signal(signal.SIGCONT)
    wait_until(lambda: valkey_fleet.server.command("EXISTS", name), SOON, "the process to be back")
    valkey_fleet.push("note")
    valkey_fleet.wait_for_notes(1)


@pytest.mark.slow("the interpreter is held for as long as the lifeline would need")
def test_a_forgotten_process_is_not_brought_back_from_outside(valkey_fleet: Fleet) -> None:
    process = _spawn(valkey_fleet)
    name = valkey_fleet.identity(process)
    valkey_fleet.push("hold_interpreter", 3.0)
    valkey_fleet.wait_for_notes(1, "begun")
    begun = time.time()
    valkey_fleet.server.command("DEL", name)

    def is_back_or_may_be() -> bool:
        # From the job's end on the worker's own heartbeat may bring it back, and rightly so: it is looked for first.
        beat = valkey_fleet.server.command("HGET", name, "beat")
        if beat is not None and float(beat) < begun:  # one of its own that was under way when the job began
            valkey_fleet.server.command("DEL", name)
            return False
        return beat is not None or bool(valkey_fleet.noted())

    wait_until(is_back_or_may_be, SOON, "the job to end")
    assert valkey_fleet.noted(), "it was back before"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lifeline_ends_with_its_worker(valkey_fleet: Fleet, number: signal.Signals) -> None:
    process = _spawn(valkey_fleet)
    (lifeline,) = _children(process.pid)
    process.signal(number)
    process.wait()
    wait_until(lambda: identity.state(lifeline) is identity.ProcessState.GONE, SOON, "the lifeline to end")


def test_a_killed_lifeline_is_started_again(valkey_fleet: Fleet) -> None:
    process = _spawn(valkey_fleet)
    (first,) = _children(process.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(
        lambda: _children(process.pid) not in ([], [first]),
        SOON,
        lambda: f"another lifeline than {first}: {_children(process.pid)}\n{process.log}",
    )
    assert process.stop() == 0


def test_in_good_times_it_is_small(valkey_fleet: Fleet) -> None:
    process = _spawn(valkey_fleet)
    (lifeline,) = _children(process.pid)
    wait_until(lambda: b"program.py" in Path(f"/proc/{lifeline}/cmdline").read_bytes(), SOON, "it to have begun")
    status = Path(f"/proc/{lifeline}/status").read_text("ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 16_000, "KB; teep itself needs more than 30 MB, and is loaded only when a beat is late"


def test_an_embedded_worker_has_one_too_and_ends_it(valkey_fleet: Fleet) -> None:
    before = _children(os.getpid())
    worker = valkey_fleet.start()
    assert len(_children(os.getpid())) == len(before) + 1
    worker.stop()
    assert _children(os.getpid()) == before
