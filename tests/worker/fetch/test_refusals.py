"""What Redis refuses for itself, while it is there, holds up nothing else, loses no job, and is said once.

A key may be another program's, a right may be missing, a job may be too large. The scripts' part of it is in
`tests/store/test_refusals.py`; here workers meet it.
"""

import logging
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.errors import NotMoved
from teep.runtime import refusals
from teep.runtime.component import Component
from teep.runtime.refusals import Refusals
from teep.store.running import owners
from teep.store.running.owners import Owner
from teep.wire import keys, payload
from teep.worker.services.poller import Poller
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.tally import outages

pytestmark = pytest.mark.every_server

MEGABYTE = 1 << 20
GONE = Owner("far:7:abc", 7, "another machine", 1, ("default", "low"))


@pytest.fixture
def ran() -> "SimpleQueue[int]":
    return SimpleQueue()


@pytest.fixture
def fleet(valkey_fleet: Fleet, ran: "SimpleQueue[int]", own_registry: None) -> Fleet:
    """A fleet on Valkey, whose server sees nothing but scripts that both servers were tried with."""

    @teep.job(name="runs", retry=False)
    def runs(number: int) -> None:
        ran.put(number)

    @teep.job(name="fails")
    def fails(*_: Any) -> None:
        raise ValueError("m" * 9_000)

    return valkey_fleet


@pytest.fixture
def small(fleet: Fleet) -> Iterator[Fleet]:
    """A fleet whose server takes no string of more than a megabyte."""
    (before,) = fleet.server.command("CONFIG", "GET", "proto-max-bulk-len").values()
    fleet.server.command("CONFIG", "SET", "proto-max-bulk-len", MEGABYTE)
    yield fleet
    fleet.server.command("CONFIG", "SET", "proto-max-bulk-len", before)


def raw_job(name: str, size: int = 0, **fields: Any) -> bytes:
    """Return a payload, of so many bytes where it is longer than it must be."""
    job = {"class": name, "args": [""], "queue": "default", "jid": "a" * 24, **fields}
    job["args"] = ["x" * max(0, size - len(payload.serialise(job)))] if size else []
    return payload.serialise(job)


def said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if words in record.getMessage()]


@pytest.mark.slow("what was refused is tried again at growing intervals")
def test_a_retry_set_of_another_type_keeps_failed_jobs_in_flight_until_it_is_mended(
    fleet: Fleet, ran: "SimpleQueue[int]", caplog: pytest.LogCaptureFixture
) -> None:
    fleet.server.command("SET", "retry", "another program's")
    fleet.start(concurrency=1)
    for number in range(3):
        fleet.push("fails", number)
        fleet.push("runs", number)
        assert ran.get(timeout=SOON) == number
    wait_until(lambda: said(caplog, "ZADD retry: WRONGTYPE"), SOON, "the refusal to be said")
    wait_until(lambda: len(fleet.in_flight()) == 3, SOON, lambda: f"the failed ones: {fleet.in_flight()}")
    fleet.server.command("DEL", "retry")
    wait_until(lambda: len(fleet.members("retry")) == 3, SOON, lambda: f"three retries: {fleet.in_flight()}")
    wait_until(lambda: not fleet.in_flight(), SOON, "nothing to be in flight")
    assert len(said(caplog, "ZADD retry: WRONGTYPE")) == 1
    assert outages(caplog) == []


def test_a_stop_returns_a_job_whose_end_is_refused(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    fleet.server.command("SET", "retry", "another program's")
    worker = fleet.start(concurrency=1)
    fleet.push("fails")
    wait_until(lambda: said(caplog, "ZADD retry: WRONGTYPE"), SOON, "the refusal to be said")
    worker.stop(0.5)
    assert (len(fleet.queue()), fleet.in_flight()) == (1, [])


def test_a_queue_of_another_type_keeps_no_other_from_being_served(
    fleet: Fleet, ran: "SimpleQueue[int]", caplog: pytest.LogCaptureFixture
) -> None:
    fleet.server.command("SET", "queue:bad", "another program's")
    fleet.start(concurrency=1, queues=["bad", "default"])
    for number in range(3):  # found by an exchange, then by a blocked move
        fleet.push("runs", number)
        assert ran.get(timeout=SOON) == number
    fleet.server.command("DEL", "queue:bad")
    fleet.push("runs", 3, queue="bad")
    assert ran.get(timeout=SOON) == 3
    assert len(said(caplog, "LRANGE queue:bad: WRONGTYPE")) == 1
    assert outages(caplog) == []


@pytest.mark.slow("what was refused is tried again at growing intervals")
@pytest.mark.parametrize("key", ["stat:processed", "paused"])
def test_what_goes_along_with_jobs_may_be_of_another_type(
    fleet: Fleet, ran: "SimpleQueue[int]", caplog: pytest.LogCaptureFixture, key: str
) -> None:
    fleet.server.command("SET", key, "no number")
    fleet.start(concurrency=1)
    for number in range(3):
        fleet.push("runs", number)
        assert ran.get(timeout=SOON) == number
    wait_until(lambda: not fleet.in_flight(), SOON, "the jobs to be acknowledged")
    wait_until(lambda: said(caplog, f"{key}: "), SOON, "the refusal to be said")
    assert outages(caplog) == []


def test_a_reason_is_told_once_and_the_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(refusals, "monotonic", lambda: now[0])
    told = Refusals(longest=15.0)
    pauses = []
    for number in range(8):
        assert told.note([f"why; {number} jobs stay"]) == ([f"why; {number} jobs stay"] if number == 0 else [])
        assert told.waits
        assert told.note(["another"] if number == 0 else ["why"]) == (["another"] if number == 0 else [])
        pauses.append(told.pause)
        now[0] += told.pause
        assert not told.waits
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15, 15]
    now[0] += 60
    assert told.note(["why", "another"]) == ["why", "another"]
    told.over()
    assert (told.pause, told.waits, told.note(["why"])) == (0.0, False, ["why"])


def _poller(fleet: Fleet) -> Poller:
    def fail(error: BaseException, where: str) -> None:
        raise AssertionError(where) from error

    return Poller(Component.alone(fleet.config, fail))


@pytest.mark.parametrize("bad", ["queue:bad", "schedule"])
def test_the_poller_moves_what_it_can_and_says_once_what_it_cannot(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    for number, queue in enumerate(["bad", "default"]):
        fleet.server.command("ZADD", "retry", number, raw_job("runs", queue=queue, jid=str(number)))
    fleet.server.command("SET", bad, "another program's")
    poller = _poller(fleet)
    pauses = []
    for _ in range(3):
        poller.run_once()
        pauses.append(poller.pause())
    assert len(fleet.queue()) == 1
    assert len(said(caplog, f"{bad}: WRONGTYPE" if bad == "queue:bad" else "due in schedule cannot be moved")) == 1
    assert min(pauses) >= 0.5
    fleet.server.command("DEL", bad)
    poller.run_once()
    assert fleet.members("retry") == []
    assert poller.pause() > 0


def test_a_due_job_that_has_become_too_large_goes_to_its_queue_as_it_was(small: Fleet) -> None:
    large = raw_job("runs", MEGABYTE - 10, retry_count=1)
    small.server.command("ZADD", "retry", 1, large, 2, raw_job("runs", jid="b"))
    _poller(small).run_once()
    assert small.members("retry") == []
    assert small.queue()[0] == large
    assert len(small.queue()) == 2


def test_the_data_api_says_that_a_job_is_too_large_and_moves_the_others(small: Fleet) -> None:
    large = raw_job("runs", MEGABYTE - 100)
    small.push_raw(raw_job("runs", jid="b"))
    small.push_raw(large)
    small.server.command("ZADD", "retry", 1, large)
    queue, retries = teep.Queue(config=small.config), teep.RetrySet(config=small.config)
    too_large = r"the server hangs up on a job as large as this one; the job stays where it was"
    for found in (queue.find_job("a" * 24), retries.find_job("a" * 24)):
        assert found is not None
        with pytest.raises(NotMoved, match=too_large):
            found.update(args=["x" * MEGABYTE])
    with pytest.raises(NotMoved, match=too_large) as caught:
        queue.where().move_to("a queue with a name of more than a hundred letters, " + "x" * 100)
    assert caught.value.moved == 1
    assert (small.queue(), small.members("retry")) == ([large], [large])


def test_a_poison_job_that_cannot_be_buried_keeps_no_other_from_being_rescued(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    driver = driver_for(fleet.config)
    driver.run(owners.register(GONE))
    poison = raw_job("runs", rescues=2)
    fleet.server.command("SADD", keys.suspects(GONE.identity), "a" * 24)
    fleet.server.command("RPUSH", keys.inflight("default", GONE.identity), raw_job("runs", jid="b"), poison)
    fleet.server.command("RPUSH", keys.inflight("low", GONE.identity), raw_job("runs", jid="c", queue="low"))
    fleet.server.command("SET", "dead", "another program's")

    def fail(error: BaseException, where: str) -> None:
        raise AssertionError(where) from error

    rescuer = Rescuer(Component.alone(fleet.config, fail, "me:1:0"))
    rescuer._outage._last_failure = float("-inf")
    for _ in range(2):
        rescuer.run_once()
    assert (len(fleet.queue()), len(fleet.queue("low"))) == (1, 1)
    assert fleet.in_flight() == [poison]
    assert len(said(caplog, "ZADD dead: WRONGTYPE")) == 1
    fleet.server.command("DEL", "dead")
    rescuer.run_once()
    assert (len(fleet.members("dead")), fleet.in_flight()) == (1, [])
    assert driver.run(owners.registered()) == []


@pytest.mark.parametrize(
    ("room", "key", "words"),
    [(2_000, "retry", "message and backtrace are left out"), (10, "dead", "it is in the dead set, as it was")],
)
def test_a_job_whose_retry_is_too_large_comes_to_an_end(
    small: Fleet, ran: "SimpleQueue[int]", caplog: pytest.LogCaptureFixture, room: int, key: str, words: str
) -> None:
    caplog.set_level(logging.INFO, "teep")
    deaths: SimpleQueue[tuple[Any, str]] = SimpleQueue()
    config = small.configure(concurrency=1)
    config.death_handlers.append(lambda item, reason: deaths.put((item, str(reason))))
    large = raw_job("fails", MEGABYTE - room)
    small.push_raw(large)
    small.start(config)
    wait_until(lambda: small.members(key), SOON, lambda: f"the job in {key}: {caplog.messages}")
    small.push("runs", 1)
    assert ran.get(timeout=SOON) == 1
    (after,) = small.members(key)
    if key == "retry":
        item = payload.parse(after)
        assert (item["error_class"], item["error_message"], item["args"]) == (
            "ValueError",
            "(left out)",
            payload.parse(large)["args"],
        )
    else:
        assert after == large
        assert abs(float(small.server.command("ZSCORE", "dead", after)) - time.time()) < SOON
        dead, reason = deaths.get(timeout=SOON)
        assert dead == payload.parse(large)
        assert words in reason
    assert len(said(caplog, words)) == 1
    wait_until(lambda: not small.in_flight(), SOON, "nothing to be in flight")
    assert small.counters() == (2, 1)
    assert outages(caplog) == []
    assert deaths.empty()


def test_a_large_job_that_runs_does_not_end_the_heartbeat(
    small: Fleet, own_registry: None, caplog: pytest.LogCaptureFixture
) -> None:
    begun: SimpleQueue[None] = SimpleQueue()
    over: SimpleQueue[None] = SimpleQueue()

    @teep.job(name="waits", retry=False)
    def waits(_: str) -> None:
        begun.put(None)
        over.get(timeout=SOON)

    small.push("waits", '"' * (MEGABYTE // 2 - 200))  # in the heartbeat's JSON each quotation mark takes four bytes
    small.start(concurrency=1, heartbeat_interval=0.1)
    begun.get(timeout=SOON)
    ((_, _, work),) = wait_until(lambda: list(teep.WorkSet(config=small.config)), SOON, "the job to be shown")
    assert (work.job.klass, work.job.args) == ("waits", [])
    assert outages(caplog) == []
    over.put(None)


def test_a_large_success_that_the_server_takes_no_more_holds_up_no_other(
    fleet: Fleet, ran: "SimpleQueue[int]", caplog: pytest.LogCaptureFixture
) -> None:
    fleet.push_raw(raw_job("swallows", 2 * MEGABYTE))

    @teep.job(name="swallows")
    def swallows(_: str) -> None:
        fleet.server.command("CONFIG", "SET", "proto-max-bulk-len", MEGABYTE)

    (before,) = fleet.server.command("CONFIG", "GET", "proto-max-bulk-len").values()
    try:
        fleet.start(concurrency=1)
        wait_until(lambda: said(caplog, "hangs up on a job as large"), SOON, lambda: str(caplog.messages))
        fleet.push("runs", 1)
        assert ran.get(timeout=SOON) == 1
        assert len(fleet.in_flight()) >= 1
    finally:
        fleet.server.command("CONFIG", "SET", "proto-max-bulk-len", before)
    wait_until(lambda: not fleet.in_flight(), SOON, "the large job to be acknowledged")
