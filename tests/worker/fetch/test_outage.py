"""Redis goes away and comes back: no job is lost, none runs twice, counters are exact, the log says it once."""

import logging
import time

import pytest

from teep.drivers.connections import pools
from teep.runtime import service
from teep.store import processes
from teep.wire import keys, payload
from teep.wire.scripts.script import load
from teep.worker.services import rescuer
from teep.worker.services.rescuer import Rescuer
from tests.conftest import ServerFactory
from tests.support.proxy import Proxy
from tests.support.servers import KINDS, Kind
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.tally import Tally, outages, recoveries, silent


def test_connections_that_are_killed_while_jobs_run_cost_no_job(fleet: Fleet) -> None:
    tally = Tally()
    tally.push(fleet, 1_500, 0.002)
    fleet.start(silent(fleet, concurrency=5, heartbeat_interval=0.2))
    for quarter in range(1, 9):
        tally.wait_for_runs(150 * quarter)
        fleet.server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    tally.check(fleet, 1_500)


@pytest.mark.slow("150 jobs of 0.2 seconds each, so that some run at each moment")
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_killed_and_comes_back_costs_no_job(
    fresh_server: ServerFactory, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "teep")
    server = fresh_server(kind, append_only=True)
    tally = Tally()
    with Fleet(server) as fleet:
        tally.push(fleet, 150, 0.2)
        worker = fleet.start(silent(fleet, concurrency=10, heartbeat_interval=0.2))
        wait_until(lambda: tally.runs.total() >= 20 and tally.running == 10, SOON, "ten to run")
        server.kill()
        before = tally.runs.total()
        tally.wait_for_runs(before + 5)
        wait_until(lambda: outages(caplog), SOON, "the outage to be logged")
        server.start()
        tally.check(fleet, 150)
        wait_until(lambda: len(recoveries(caplog)) == 1, SOON, "the recovery to be logged")
        wait_until(lambda: server.command("SMEMBERS", "processes"), SOON, "the process to show again")
        assert worker.stop()
    assert (len(outages(caplog)), len(recoveries(caplog))) == (1, 1)


@pytest.mark.slow("an outage lasts longer than a heartbeat lives, and its jobs longer than that")
def test_an_outage_longer_than_a_heartbeat_lives_gives_no_running_job_to_others(
    fresh_server: ServerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "HEARTBEAT_EXPIRY", 1)
    monkeypatch.setattr(Rescuer, "_AVERAGE", 0.01)
    monkeypatch.setattr(service, "_OUTAGE_PAUSE", 0.3)
    monkeypatch.setattr(rescuer, "_GRACE", 2.0)
    server = fresh_server(append_only=True)
    tally = Tally()
    with Fleet(server) as fleet:
        fleet.start(silent(fleet, concurrency=3, heartbeat_interval=0.2))
        tally.push(fleet, 3, 5.0)
        wait_until(lambda: tally.running == 3, SOON, "the jobs to run")
        fleet.start(silent(fleet, concurrency=3, heartbeat_interval=0.2))
        server.kill()
        down = time.monotonic()
        wait_until(lambda: time.monotonic() - down > 1.5, SOON, "the heartbeats to expire")
        server.start()
        tally.check(fleet, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_an_exchange_whose_answer_is_lost_costs_no_job(fleet: Fleet, count: int) -> None:
    _through_a_lossy_proxy(fleet, load("running/exchange").sha.encode(), count)


@pytest.mark.parametrize("count", [1, 3])
def test_a_failure_whose_answer_is_lost_is_moved_once(fleet: Fleet, count: int) -> None:
    _through_a_lossy_proxy(fleet, load("step").sha.encode(), count)


def _through_a_lossy_proxy(fleet: Fleet, needle: bytes, concurrency: int) -> None:
    tally = Tally()
    tally.push(fleet, 300, 0.001)
    with Proxy(fleet.server.port) as proxy:
        proxy.lose_answer(needle, times=2)
        worker = fleet.start(silent(fleet, redis_url=proxy.url, concurrency=concurrency))
        for part in range(1, 6):
            tally.wait_for_runs(50 * part)
            proxy.lose_answer(needle)
        tally.check(fleet, 300)
        assert worker._capsules[0].fetcher.late == 0
        assert worker.stop()


def test_a_blocked_move_whose_answer_is_lost_costs_no_job(fleet: Fleet) -> None:
    tally = Tally()
    with Proxy(fleet.server.port) as proxy:
        worker = fleet.start(silent(fleet, redis_url=proxy.url, concurrency=2))
        for number in range(30):
            if number % 3 == 0:
                proxy.lose_answer(b"BLMOVE")
            fleet.client.enqueue(tally.jobs[number % 3], number, 0.0)
            tally.wait_for_runs(number + 1)
        tally.check(fleet, 30)
        assert worker.stop()


def test_what_a_failover_took_back_is_noticed_though_no_connection_was_lost(fleet: Fleet) -> None:
    tally = Tally()
    worker = fleet.start(silent(fleet, heartbeat_interval=0.2))
    tally.push(fleet, 3, 0.0)
    tally.check(fleet, 3)
    # As on a replica that had heard of the reservation of a job, and not of its end nor of this process.
    forgotten = payload.serialise(tally.jobs[0].to_payload((3, 0.0), {}) | {"jid": "a" * 24})
    fleet.server.command("HDEL", keys.inflight_owners(), worker.identity)
    fleet.server.command("RPUSH", keys.inflight("default", worker.identity), forgotten)
    tally.wait_for_runs(4)
    wait_until(lambda: not fleet.in_flight(), SOON, "the job to be acknowledged")
    wait_until(
        lambda: fleet.server.command("HEXISTS", keys.inflight_owners(), worker.identity),
        SOON,
        "the process to be registered again",
    )
    assert worker.stop()


@pytest.mark.slow("an answer is waited for until it is given up")
def test_an_exchange_that_arrives_after_it_was_given_up_costs_no_job(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Such as at the end of a partition, when the kernel sends again what a closed connection has left.
    monkeypatch.setattr(pools, "ANSWER_SECONDS", 0.5)
    tally = Tally()
    tally.push(fleet, 60, 0.05)
    with Proxy(fleet.server.port) as proxy:
        worker = fleet.start(silent(fleet, redis_url=proxy.url, concurrency=2, heartbeat_interval=0.2))
        tally.wait_for_runs(5)
        proxy.hold(load("running/exchange").sha.encode())
        wait_until(lambda: tally.running == 0, SOON, "the exchange to be missed")
        tally.wait_for_runs(tally.runs.total() + 5)
        assert proxy.deliver() == 1
        tally.check(fleet, 60)
        assert worker.stop()


@pytest.mark.slow("two worker processes start, and one stops while it cannot reach Redis")
def test_a_stop_while_redis_is_away_ends_in_time_and_loses_nothing(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    with Fleet(server) as fleet:
        # Eight slots more: their threads look for Redis to come back, which must not hold up the stop.
        process = fleet.spawn("-c", "10", "-t", "0.5")
        fleet.push("note_later", 60)
        fleet.push("note_later", 60)
        fleet.wait_for_notes(2, "begun")
        server.kill()
        process.wait_for_log("nothing is fetched until it is back")
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < 8
        server.start()
        assert len(fleet.in_flight()) == 2
        fleet.spawn("-c", "2", "-t", "0.1")
        fleet.wait_for_notes(4, "begun")
