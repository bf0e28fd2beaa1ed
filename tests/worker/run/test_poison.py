"""A job that kills its processes goes to the dead set; jobs that were only near it do not."""

import asyncio
import logging
import threading
import time
from typing import Any

import msgspec
import pytest

import teep
from teep.config import driver_for
from teep.errors import RedisUnavailable
from teep.runtime.component import Component
from teep.store.running import owners, rescue
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run import poison
from teep.worker.run.poison import PoisonGuard
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


@pytest.mark.slow("four worker processes start, one after the other")
def test_a_job_that_kills_three_processes_is_not_given_a_fourth(fleet: Fleet) -> None:
    poison = fleet.push("die")
    notes = [fleet.push("note") for _ in range(2)]
    for deaths in (1, 2, 3):
        process = fleet.spawn("-c", "1", await_up=False)
        fleet.wait_for_notes(deaths, "begun", seconds=30)
        assert process.wait() == -9
    last = fleet.spawn("-c", "1")
    assert fleet.wait_for_notes(2) == notes
    dead = fleet.failed_payload("dead")
    assert (dead["jid"], dead["error_class"]) == (poison, "teep.errors.PoisonJob")
    assert dead["error_message"] == "3 processes died with this job in flight, the last 2 while they ran it"
    assert dead["failed_at"] > 0
    assert "rescues" not in dead
    assert "a job is dead: 3 processes died" in last.log
    assert fleet.noted("begun") == [poison] * 3
    fleet.wait_until_processed(3)
    assert fleet.counters() == (3, 1)
    assert last.stop() == 0
    assert fleet.server.command("KEYS", "teep:inflight*") == []


def _die_with(fleet: Fleet, raw: bytes, *, started: bool) -> list[dict[str, Any]]:
    """Let a process die with a suspect in flight and rescue it; returns what the death handlers heard."""
    deaths: list[dict[str, Any]] = []
    config = fleet.configure()
    config.death_handlers.append(lambda item, _reason: deaths.append(item))
    driver = driver_for(fleet.config)
    driver.run(owners.register(Owner("far:7:abc", 7, "another machine", 1, ("default",))))
    fleet.server.command("RPUSH", keys.inflight("default", "far:7:abc"), raw)
    if started:
        driver.run(rescue.suspect_started("far:7:abc", "j", []))
    Rescuer(Component.alone(config, lambda error, _: pytest.fail(repr(error)), "me:1:0")).run_once()
    return deaths


def test_death_handlers_hear_of_it(fleet: Fleet) -> None:
    (item,) = _die_with(fleet, b'{"class":"x","args":[],"jid":"j","rescues":2}', started=True)
    assert item == msgspec.json.decode(fleet.members("dead")[0])


def test_a_job_that_is_never_to_be_dead_is_discarded(fleet: Fleet) -> None:
    (item,) = _die_with(fleet, b'{"class":"x","args":[],"jid":"j","dead":false,"rescues":2}', started=True)
    assert item["discarded_at"] > 0
    assert fleet.members("dead") == fleet.queue() == fleet.in_flight() == []
    assert fleet.counters() == (1, 1)


def test_a_job_that_was_only_reserved_ahead_is_not_blamed(fleet: Fleet) -> None:
    raw = b'{"class":"x","args":[],"jid":"j","rescues":2}'
    assert _die_with(fleet, raw, started=False) == []
    assert fleet.queue() == [raw]


def test_a_job_without_a_jid_cannot_hide(fleet: Fleet) -> None:
    _die_with(fleet, b'{"class":"x","args":[],"rescues":2}', started=False)
    assert len(fleet.members("dead")) == 1


def _push_suspects(fleet: Fleet, name: str, rescues: int, count: int) -> None:
    for number in range(count):
        raw = b'{"class":"%s","args":[%d],"jid":"%s-%d","rescues":%d}'
        fleet.push_raw(raw % (name.encode(), number, name.encode(), number, rescues))


class _Alone:
    """Jobs of both kinds that tell how many of them ran at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self.most = 0
        self.ran: list[int] = []

        @teep.job(name="alone")
        def plain(number: int) -> None:
            self._enter()
            time.sleep(0.02)
            self._leave(number)

        @teep.job(name="alone_async")
        async def coroutine(number: int) -> None:
            self._enter()
            await asyncio.sleep(0.02)
            self._leave(number)

    def _enter(self) -> None:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)

    def _leave(self, number: int) -> None:
        with self._lock:
            self._running -= 1
            self.ran.append(number)


def test_jobs_on_their_last_chance_run_one_at_a_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison, "_AWAY", (0.05, 0.2))
    tally = _Alone()
    for name in ("alone", "alone_async"):
        _push_suspects(fleet, name, rescues=2, count=4)
    # Whoever makes way just after the poller has found nothing due waits for its next usual look.
    fleet.start(concurrency=8, average_scheduled_poll_interval=0.1)
    fleet.wait_until_processed(8)
    assert sorted(tally.ran) == sorted(2 * list(range(4)))
    assert tally.most == 1
    # Making way used no attempt, and was no run.
    assert fleet.counters() == (8, 0)
    assert fleet.members("schedule") == []


def test_a_job_that_makes_way_waits_in_the_scheduled_set_as_it_is(fleet: Fleet) -> None:
    begun, go, tally = threading.Event(), threading.Event(), _Alone()

    @teep.job(name="block")
    def block(_number: int) -> None:
        begun.set()
        go.wait(SOON)

    _push_suspects(fleet, "block", rescues=2, count=1)
    worker = fleet.start(concurrency=2)
    assert begun.wait(SOON)
    other = b'{"class":"block","args":[1], "jid":"other","rescues":2}'
    fleet.push_raw(other)
    assert wait_until(lambda: fleet.members("schedule"), SOON, "it to make way") == [other]
    # The slot it would have taken is free.
    fleet.push_raw(b'{"class":"alone","args":[1],"jid":"a","rescues":1}')
    wait_until(lambda: tally.ran, SOON, "another job to run meanwhile")
    go.set()
    worker.stop()


def test_suspects_are_noted_while_they_run_only(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[set[bytes]] = []

    @teep.job(name="look")
    def look(_number: int) -> None:
        (key,) = fleet.server.command("KEYS", keys.suspects("*"))
        noted.append(fleet.server.command("SMEMBERS", key))

    _push_suspects(fleet, "look", rescues=1, count=3)
    worker = fleet.start(concurrency=1)
    fleet.wait_until_processed(3)
    assert noted == [{b"look-0"}, {b"look-1"}, {b"look-2"}]
    assert worker.stop()
    assert fleet.server.command("KEYS", "teep:inflight*") == []


def test_async_suspects_that_come_by_the_batch_are_noted_before_they_run(fleet: Fleet) -> None:
    unnoted: list[str] = []

    @teep.job(name="quick_async")
    async def quick_async(_number: int) -> None:
        job = teep.current_job()
        assert job is not None
        if "rescues" in job.payload and not fleet.server.command(
            "SISMEMBER", keys.suspects(worker.identity), job.jid
        ):
            unnoted.append(job.jid)

    # Quick jobs first: they make the worker reserve the suspects ahead.
    fleet.client.push_bulk({**quick_async.to_payload((0,), {}), "args": [[number] for number in range(500)]})
    _push_suspects(fleet, "quick_async", rescues=1, count=100)
    queue = teep.Queue("default", config=fleet.config)
    queue.pause()  # until it is known here which worker to ask about
    worker = fleet.start(concurrency=2)
    queue.unpause()
    fleet.wait_until_processed(600)
    assert unnoted == []
    assert fleet.counters() == (600, 0)


def test_a_suspect_that_fails_as_any_job_is_one_no_more(fleet: Fleet) -> None:
    @teep.job(name="plain_failure")
    def plain_failure(_number: int) -> None:
        raise ValueError("as intended")

    _push_suspects(fleet, "plain_failure", rescues=2, count=1)
    fleet.start()
    item = fleet.failed_payload()
    assert "rescues" not in item
    assert item["retry_count"] == 0


def test_a_suspect_that_a_stop_put_back_keeps_its_count(fleet: Fleet) -> None:
    begun = threading.Event()

    @teep.job(name="endless_suspect")
    def endless(_number: int) -> None:
        begun.set()
        while True:
            time.sleep(0.005)

    _push_suspects(fleet, "endless_suspect", rescues=1, count=1)
    worker = fleet.start()
    assert begun.wait(SOON)
    worker.stop(0.05)
    (raw,) = fleet.queue()
    assert raw.endswith(b',"rescues":1}')


class _Away:
    """Redis, being away."""

    def run(self, plan: Any) -> Any:
        plan.close()
        raise RedisUnavailable("away")


def test_a_suspect_runs_unnoted_while_redis_is_away(caplog: pytest.LogCaptureFixture) -> None:
    away: Any = _Away()
    gate = PoisonGuard(away, "me:1:0")
    job = UnitOfWork("default", b'{"class":"x","args":[],"jid":"j","rescues":2}')
    with caplog.at_level(logging.WARNING, "teep"):
        assert gate.admit(job)
    assert "runs without a note in Redis: away" in caplog.text
    assert not gate.admit(job)
    gate.ended(job)
    assert gate.admit(job)
