"""Ctrl-C once stops in an orderly way, twice at once, and three times kills."""

import os
import signal
import time

import pytest

from teep.worker.signals import Presses
from tests.worker.fleet import Fleet, WorkerProcess

_TIMEOUT = 60.0


def _press(process: WorkerProcess) -> None:
    time.sleep(0.15)  # what comes sooner is the same press
    process.signal(signal.SIGINT)


def _begin(fleet: Fleet, process: WorkerProcess, job: str) -> str:
    jid = fleet.push(job, *(() if job == "stubborn" else (_TIMEOUT,)))
    fleet.wait_for_notes(1, "begun")
    process.signal(signal.SIGINT)
    process.wait_for_log("press Ctrl-C again to stop now")
    return jid


@pytest.mark.parametrize("job", ["note_later", "note_later_async"])
def test_the_second_stops_at_once_and_jobs_go_back(valkey_fleet: Fleet, job: str) -> None:
    process = valkey_fleet.spawn("-t", str(_TIMEOUT))
    jid = _begin(valkey_fleet, process, job)
    _press(process)
    assert process.wait() == 0
    assert [jid in str(raw) for raw in valkey_fleet.queue()] == [True]
    assert valkey_fleet.in_flight() == []
    assert "bye" in process.log


def test_the_third_kills_and_the_job_is_rescued(valkey_fleet: Fleet) -> None:
    process = valkey_fleet.spawn("-t", str(_TIMEOUT))
    jid = _begin(valkey_fleet, process, "stubborn")
    _press(process)
    process.wait_for_log("did not finish in time")
    _press(process)
    assert process.wait(5.0) == 130
    assert [jid in str(raw) for raw in valkey_fleet.queue()] == [True]


@pytest.mark.parametrize("whole_group", [False, True])
def test_the_second_is_for_all_workers_of_a_supervisor(valkey_fleet: Fleet, *, whole_group: bool) -> None:
    """A terminal sends it to each of them, too."""
    supervised = valkey_fleet.supervise(2, "-t", str(_TIMEOUT), "-c", "1")
    pids = list(supervised.workers())
    jids = {valkey_fleet.push("note_later", _TIMEOUT) for _ in pids}
    valkey_fleet.wait_for_notes(2, "begun")
    for _ in range(2):
        _press(supervised.process)
        for pid in pids if whole_group else []:
            os.kill(pid, signal.SIGINT)
        supervised.process.wait_for_log("press Ctrl-C again to stop now")  # two at once would be the same press
    assert supervised.process.wait() == 0
    assert {jid for jid in jids if any(jid in str(raw) for raw in valkey_fleet.queue())} == jids
    assert valkey_fleet.in_flight() == []
    assert "killed" not in supervised.process.log


def test_the_same_press_may_come_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [100.0, 100.05, 101.0, 101.09, 102.0]
    clock = iter(moments)
    monkeypatch.setattr("teep.worker.signals.monotonic", lambda: next(clock))
    presses = Presses()
    states = []
    for _ in moments:
        presses.note()
        states.append((presses.in_a_hurry, presses.too_often))
    assert states == [(False, False), (False, False), (True, False), (True, False), (True, True)]
