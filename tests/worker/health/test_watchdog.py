"""A worker that stands still says so and ends; one that is busy, quiet, paused, or merely without Redis does not."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

import teep
from teep.worker import Worker
from teep.worker.health import watchdog
from teep.worker.health.watchdog import Still, Watchdog
from teep.worker.services.heartbeat import Heartbeat
from tests.conftest import ServerFactory
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_LATE = 40.0


@pytest.fixture
def fleet(valkey: Server) -> Iterator[Fleet]:
    valkey.flushall()
    with Fleet(valkey) as fleet:
        yield fleet


@pytest.fixture
def worker(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker whose watchdog looks fifty times a second, and takes each look for a second."""
    monkeypatch.setattr(Watchdog, "pause", lambda _self: 0.02)
    # In real time about as long as two turns of an idle loop.
    monkeypatch.setattr(watchdog, "STUCK", 100.0)
    return fleet.start(concurrency=1, heartbeat_interval=0.1)


def looks(worker: Worker, count: int) -> None:
    """Wait until the watchdog has looked that many times more."""
    for _ in range(count):
        before = worker._services.of(Watchdog).turned_at
        wait_until(partial(_has_looked_since, worker, before), SOON, "a look")


def _has_looked_since(worker: Worker, moment: float) -> bool:
    return worker._services.of(Watchdog).turned_at != moment


def test_what_stands_still_is_counted_in_looks() -> None:
    still = Still()
    assert [still.look(mark, excused=False) for mark in (1, 1, 1, 2, 2)] == [0.0, 1.0, 2.0, 0.0, 1.0]
    assert still.look(2, excused=True) == 0.0
    assert still.look(2, excused=False) == 1.0


def test_a_fetch_loop_that_is_stuck_in_a_lock_is_told_of_once(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watchdog, "STUCK", 10.0)
    with worker._capsules[0].fetcher._exchanging:
        wait_until(lambda: "stands still" in " ".join(worker.report().why), SOON, "the report")
        assert not worker.report().live
        looks(worker, 5)
        wait_until(lambda: "test_a_fetch_loop_that_is_stuck" in caplog.text, SOON, "the stacks")
        assert caplog.text.count("the stack of each thread follows") == 1
        monkeypatch.setattr(watchdog, "STUCK", 100.0)
    wait_until(lambda: worker.report().ready, SOON, "it to move again")
    assert "no longer: the fetch loop stands still" in caplog.text


def test_a_heartbeat_that_does_not_get_through_is_told_of(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker._services.of(Heartbeat).stop()
    monkeypatch.setattr(watchdog, "STUCK", 60.0)
    wait_until(lambda: not worker.report().live, SOON, "the report")
    assert "heartbeat" in worker.report().why[0]


@pytest.mark.slow("the watchdog looks a hundred times at each of them")
def test_no_one_barks_at_busy_slots_paused_queues_or_a_quiet_process(
    fleet: Fleet, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()

    @teep.job(name="wait_for_go")
    def wait_for_go() -> None:
        go.wait(SOON)

    fleet.server.command("SADD", "paused", "default")
    looks(worker, 120)
    assert worker.report().ready
    fleet.server.command("SREM", "paused", "default")
    fleet.push(wait_for_go)
    wait_until(lambda: worker.report().processes[0]["busy"] == 1, SOON, "the job to run")
    looks(worker, 120)
    assert worker.report().ready
    go.set()
    worker.quiet()
    looks(worker, 120)
    assert worker.report().live
    assert not worker.report().ready
    assert not [record for record in caplog.records if record.levelno >= logging.CRITICAL]


@pytest.mark.slow("two seconds are the shortest watchdog, which looks several times")
def test_a_process_whose_fetch_loop_is_stuck_ends_and_its_jobs_run_elsewhere(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "3", "-t", "0.1", "--watchdog", "2")
    fleet.push("note_later", 600.0)
    fleet.wait_for_notes(1, "begun")
    fleet.push("jam")
    assert process.wait(_LATE) == 1
    assert "stands still" in process.log
    assert "exits" in process.log
    fleet.spawn("-c", "3")
    fleet.wait_for_notes(2, "begun")


@pytest.mark.slow("two seconds are about the shortest watchdog, which looks several times")
def test_a_long_outage_is_waited_out_until_the_limit(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    with Fleet(server) as fleet:
        patient = fleet.spawn("-c", "1", "-t", "0.5", "--watchdog", "60")
        impatient = fleet.spawn("-c", "1", "-t", "0.5", "--watchdog", "3")
        server.kill()
        assert impatient.wait(_LATE) == 1
        assert "no connection to Redis" in impatient.log.splitlines()[-1]
        assert patient.is_alive
        server.start()
        fleet.push("note")
        fleet.wait_for_notes(1)
        assert patient.stop() == 0


@pytest.mark.slow("it is stopped for longer than the shortest watchdog")
def test_a_process_that_was_stopped_for_long_is_not_given_up(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "1", "--watchdog", "2")
    os.kill(process.pid, signal.SIGSTOP)
    end = time.monotonic() + 3.0
    wait_until(lambda: time.monotonic() > end, SOON, "the time to pass")
    os.kill(process.pid, signal.SIGCONT)
    fleet.push("note")
    fleet.wait_for_notes(1)
    assert "given up" not in process.log
    assert process.stop() == 0
