"""A real process obeys its signals, and those that come through Redis, at once."""

import signal

import pytest

import teep
from tests.worker.fleet import SOON, Fleet, WorkerProcess


def _process(fleet: Fleet) -> teep.Process:
    (process,) = teep.ProcessSet(config=fleet.config)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_stop_with_exit_code_0(fleet: Fleet, number: signal.Signals) -> None:
    process = fleet.spawn()
    fleet.push("note")
    fleet.wait_for_notes(1)
    process.signal(number)
    assert process.wait() == 0
    assert fleet.identity(process) == ""
    assert fleet.counters() == (1, 0)
    assert "bye" in process.log
    assert "Traceback" not in process.log


def test_a_running_job_finishes_before_the_process_ends(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "2")
    jids = {fleet.push("note_later", 0.3), fleet.push("note_later_async", 0.3)}
    fleet.wait_for_notes(2, "begun")
    assert process.stop() == 0
    assert set(fleet.noted()) == jids
    assert fleet.counters() == (2, 0)
    assert fleet.in_flight() == fleet.queue() == []


def test_tstp_quiets_and_term_then_stops(fleet: Fleet) -> None:
    process = fleet.spawn()
    process.signal(signal.SIGTSTP)
    process.wait_for_log("quiet")
    fleet.push("note")
    assert process.is_alive
    assert process.stop() == 0
    assert fleet.noted() == []
    assert len(fleet.queue()) == 1


def test_ttin_logs_what_each_thread_does_and_the_process_goes_on(fleet: Fleet) -> None:
    process = fleet.spawn()
    process.signal(signal.SIGTTIN)
    _shows_threads(process)
    fleet.push("note")
    fleet.wait_for_notes(1)


def test_quiet_stop_and_dump_threads_reach_the_process_through_redis(fleet: Fleet) -> None:
    # With five seconds between heartbeats, what comes sooner was not waited for.
    process = fleet.spawn()
    _process(fleet).dump_threads()
    _shows_threads(process, seconds=2.5)
    _process(fleet).quiet()
    process.wait_for_log("quiet: no more jobs are taken", seconds=2.5)
    _process(fleet).stop()
    process.wait_for_log("stopping on TERM", seconds=2.5)
    assert process.wait() == 0


def test_a_signal_that_means_nothing_is_logged(fleet: Fleet) -> None:
    process = fleet.spawn()
    fleet.server.command("LPUSH", f"{fleet.identity(process)}-signals", "USR1")
    process.wait_for_log("there is nothing to do for signal USR1")
    assert process.stop() == 0


def _shows_threads(process: WorkerProcess, seconds: float = SOON) -> None:
    for name in ("MainThread", "teep-job-0", "teep-heartbeat", "teep-poller"):
        process.wait_for_log(f"thread {name}:", seconds)
