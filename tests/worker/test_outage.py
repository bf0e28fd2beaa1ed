"""Redis goes away and comes back: no job is lost, none runs twice, counters are exact, the log says it once."""

import asyncio
import logging
import threading
import time
from collections import Counter
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from teep.wire import keys, payload, scripts
from tests.conftest import ServerFactory
from tests.support.proxy import Proxy
from tests.support.servers import KINDS, Kind
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class _Tally:
    """Jobs of both kinds, and how often each number ran."""

    def __init__(self) -> None:
        self.runs: Counter[int] = Counter()
        self.begun = 0
        self._lock = threading.Lock()

        @teep.job(name="tally")
        def plain(number: int, seconds: float) -> None:
            self._begin()
            time.sleep(seconds)
            self._note(number)

        @teep.job(name="tally_async")
        async def coroutine(number: int, seconds: float) -> None:
            self._begin()
            await asyncio.sleep(seconds)
            self._note(number)

        @teep.job(name="tally_fail", retry=0)
        def failing(number: int, seconds: float) -> None:
            self._begin()
            time.sleep(seconds)
            self._note(number)
            raise ValueError("as intended")

        self.jobs: tuple[Enqueueable, ...] = (plain, coroutine, failing)

    def push(self, fleet: Fleet, count: int, seconds: float) -> None:
        for part, job in enumerate(self.jobs):
            args = [[number, seconds] for number in range(part, count, len(self.jobs))]
            fleet.client.push_bulk({**job.to_payload((0, 0.0), {}), "args": args})

    def check(self, fleet: Fleet, count: int, seconds: float = 30.0) -> None:
        """Wait until all is done, and compare every trace it left."""
        fleet.wait_until_processed(count, seconds)
        assert self.runs == Counter(range(count))
        assert fleet.counters() == (count, count // 3)
        assert len(fleet.members("dead")) == count // 3
        assert fleet.queue() == fleet.in_flight() == fleet.members("retry") == []

    def wait_for_runs(self, count: int) -> None:
        wait_until(lambda: self.runs.total() >= count, SOON, lambda: f"{count} runs, not {self.runs.total()}")

    @property
    def running(self) -> int:
        with self._lock:
            return self.begun - self.runs.total()

    def _begin(self) -> None:
        with self._lock:
            self.begun += 1

    def _note(self, number: int) -> None:
        with self._lock:
            self.runs[number] += 1


def test_connections_that_are_killed_while_jobs_run_cost_no_job(fleet: Fleet) -> None:
    tally = _Tally()
    tally.push(fleet, 1_500, 0.002)
    fleet.start(_silent(fleet, concurrency=5, heartbeat_interval=0.2))
    for quarter in range(1, 9):
        tally.wait_for_runs(150 * quarter)
        fleet.server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    tally.check(fleet, 1_500)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_killed_and_comes_back_costs_no_job(
    fresh_server: ServerFactory, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "teep")
    server = fresh_server(kind, append_only=True, options=("--appendfsync", "always"))
    tally = _Tally()
    with Fleet(server) as fleet:
        tally.push(fleet, 150, 0.2)
        worker = fleet.start(_silent(fleet, concurrency=10, heartbeat_interval=0.2))
        wait_until(lambda: tally.runs.total() >= 20 and tally.running == 10, SOON, "ten to run")
        server.kill()
        before = tally.runs.total()
        tally.wait_for_runs(before + 5)
        wait_until(lambda: _outages(caplog), SOON, "the outage to be logged")
        server.start()
        tally.check(fleet, 150)
        wait_until(lambda: len(_recoveries(caplog)) == 1, SOON, "the recovery to be logged")
        wait_until(lambda: server.command("SMEMBERS", "processes"), SOON, "the process to show again")
        assert worker.stop()
    assert (len(_outages(caplog)), len(_recoveries(caplog))) == (1, 1)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_an_exchange_whose_answer_is_lost_costs_no_job(fleet: Fleet, count: int) -> None:
    _through_a_lossy_proxy(fleet, scripts.load("exchange").sha.encode(), count)


@pytest.mark.parametrize("count", [1, 3])
def test_a_failure_whose_answer_is_lost_is_moved_once(fleet: Fleet, count: int) -> None:
    _through_a_lossy_proxy(fleet, scripts.load("fail").sha.encode(), count)


def _through_a_lossy_proxy(fleet: Fleet, needle: bytes, concurrency: int) -> None:
    tally = _Tally()
    tally.push(fleet, 300, 0.001)
    with Proxy(fleet.server.port) as proxy:
        proxy.lose_answer(needle, times=2)
        worker = fleet.start(_silent(fleet, redis_url=proxy.url, concurrency=concurrency))
        for part in range(1, 6):
            tally.wait_for_runs(50 * part)
            proxy.lose_answer(needle)
        tally.check(fleet, 300)
        assert worker._capsules[0].fetcher.late == 0
        assert worker.stop()


def test_a_blocked_move_whose_answer_is_lost_costs_no_job(fleet: Fleet) -> None:
    tally = _Tally()
    with Proxy(fleet.server.port) as proxy:
        worker = fleet.start(_silent(fleet, redis_url=proxy.url, concurrency=2))
        for number in range(30):
            if number % 3 == 0:
                proxy.lose_answer(b"BLMOVE")
            fleet.client.enqueue(tally.jobs[number % 3], number, 0.0)
            tally.wait_for_runs(number + 1)
        tally.check(fleet, 30)
        assert worker.stop()


def test_what_a_failover_took_back_is_noticed_though_no_connection_was_lost(fleet: Fleet) -> None:
    tally = _Tally()
    worker = fleet.start(_silent(fleet, heartbeat_interval=0.2))
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


def test_a_stop_while_redis_is_away_ends_in_time_and_loses_nothing(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True, options=("--appendfsync", "always"))
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


def _silent(fleet: Fleet, **options: Any) -> teep.Config:
    """Return a configuration in which the intended failures are not logged."""
    config = fleet.configure(**options)
    config.error_handlers.append(lambda _error, _context: None)
    return config


def _outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "nothing is fetched until it is back" in message]


def _recoveries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "online again" in message]
