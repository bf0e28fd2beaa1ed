"""Due jobs move to their queues: once, on time, and through the client middleware."""

import threading
import time
from collections import Counter
from typing import Any

import msgspec
import pytest

import teep
from teep.config import Config
from teep.runtime.component import Component
from teep.wire import payload
from teep.worker.services.poller import Poller
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server


def _fail_test(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


def _poller(config: Config, errors: list[BaseException] | None = None) -> Poller:
    on_error = _fail_test if errors is None else lambda error, _name: errors.append(error)
    return Poller(Component.alone(config, on_error))


@pytest.mark.parametrize("key", ["schedule", "retry"])
def test_due_jobs_move_in_order_and_the_others_stay(fleet: Fleet, key: str) -> None:
    now = time.time()
    due = {_raw(f"due{number}", retry_count=1, custom=[{}]): now - 100 + number for number in range(3)}
    fleet.server.client.zadd(key, due)
    fleet.server.client.zadd(key, {_raw("later"): now + 100})
    _poller(fleet.config).run_once()
    moved = [payload.parse(raw) for raw in fleet.queue()]
    assert [job["jid"] for job in moved] == ["due0", "due1", "due2"]
    for job, raw in zip(moved, due, strict=True):
        assert now <= job.pop("enqueued_at") <= time.time()
        assert job == payload.parse(raw)
    assert [payload.parse(raw)["jid"] for raw in fleet.members(key)] == ["later"]
    assert fleet.server.command("SMEMBERS", "queues") == {b"default"}


def test_three_pollers_at_once_move_each_job_once(fleet: Fleet) -> None:
    now = time.time()
    for key in ("schedule", "retry"):
        fleet.server.client.zadd(key, {_raw(f"{key}{number}"): now - 1 for number in range(2_000)})
    together = threading.Barrier(3)

    def poll() -> None:
        poller = _poller(fleet.config)
        together.wait(SOON)
        poller.run_once()

    threads = [threading.Thread(target=poll) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert fleet.members("schedule") == fleet.members("retry") == []
    moved = Counter(payload.parse(raw)["jid"] for raw in fleet.queue())
    assert moved == Counter(f"{key}{number}" for key in ("schedule", "retry") for number in range(2_000))


def test_jobs_run_on_time_without_a_short_interval(fleet: Fleet) -> None:
    late: list[float] = []

    @teep.job(name="job")
    def job(at: float) -> None:
        late.append(time.time() - at)

    # Looks are five seconds apart, but for the one that comes for the next job that falls due.
    at = time.time() + 1.0
    for _ in range(3):
        fleet.push(job, at, at=at)
    assert len(fleet.members("schedule")) == 3
    fleet.start()
    fleet.wait_until_processed(3)
    assert min(late) >= 0
    assert max(late) < 3


def test_the_pause_ends_when_the_next_job_falls_due(fleet: Fleet) -> None:
    poller = _poller(fleet.config)
    assert 2.5 <= poller.pause() <= 7.5
    fleet.server.client.zadd("retry", {_raw("soon"): time.time() + 1})
    assert 0.8 < poller.pause() <= 1.1
    fleet.server.client.zadd("schedule", {_raw("sooner"): time.time() - 5})
    assert 0 <= poller.pause() <= 0.1


def test_what_is_no_job_goes_to_the_dead_set_as_it_is_and_is_reported(fleet: Fleet) -> None:
    errors: list[BaseException] = []
    broken = [b"not JSON", b'{"class":"x"}', b"\xff"]
    fleet.server.client.zadd("schedule", dict.fromkeys(broken, 1.0))
    fleet.server.client.zadd("schedule", {_raw("fine"): 2.0})
    _poller(fleet.config, errors).run_once()
    assert sorted(fleet.members("dead")) == sorted(broken)
    assert [payload.parse(raw)["jid"] for raw in fleet.queue()] == ["fine"]
    assert fleet.members("schedule") == []
    assert "3 entries of schedule" in str(errors[0])


@pytest.mark.parametrize("queue", [None, "", 5, ["low"], {}])
def test_a_due_job_whose_queue_is_none_holds_up_no_other(fleet: Fleet, queue: Any) -> None:
    fleet.server.client.zadd("schedule", {_raw("odd", queue=queue, at=None): 1.0, _raw("fine"): 2.0})
    _poller(fleet.config).run_once()
    moved = [payload.parse(raw) for raw in fleet.queue()]
    assert [(job["jid"], job["queue"], "at" in job) for job in moved] == [
        ("odd", "default", False),
        ("fine", "default", False),
    ]


def test_a_due_job_gets_a_jid_and_a_time_where_it_has_none(fleet: Fleet) -> None:
    now = time.time()
    fleet.server.client.zadd("schedule", {payload.serialise({"class": "noop", "args": [], "jid": None}): 1.0})
    _poller(fleet.config).run_once()
    (moved,) = map(payload.parse, fleet.queue())
    assert now - 1 <= (payload.jid_time(moved["jid"]) or 0.0) <= time.time()
    assert now <= moved["created_at"] <= time.time()


def test_the_client_middleware_may_change_or_stop_a_due_job(fleet: Fleet) -> None:
    def middleware(job: dict[str, Any], call_next: Any) -> Any:
        if job["jid"] == "stopped":
            return None
        job["seen"] = True
        job["queue"] = "other"
        return call_next()

    fleet.config.client_middleware.add(middleware)
    fleet.server.client.zadd("retry", {_raw("stopped"): 1.0, _raw("passed"): 2.0})
    _poller(fleet.config).run_once()
    (moved,) = fleet.queue("other")
    assert payload.parse(moved)["seen"] is True
    assert fleet.queue() == fleet.members("retry") == []
    assert fleet.server.command("SMEMBERS", "queues") == {b"other"}


def test_a_middleware_that_fails_for_one_job_holds_up_no_other(fleet: Fleet) -> None:
    def middleware(job: dict[str, Any], call_next: Any) -> Any:
        if job["jid"] == "bad":
            raise RuntimeError("cannot take this one")
        return call_next()

    config = fleet.configure()
    config.client_middleware.add(middleware)
    fleet.server.client.zadd("retry", {_raw("bad"): 1.0, _raw("good"): 2.0})
    fleet.server.client.zadd("schedule", {_raw("fine"): 2.0})
    poller = _poller(config)
    with pytest.raises(RuntimeError, match="cannot take this one"):
        poller.run_once()
    assert [payload.parse(raw)["jid"] for raw in fleet.queue()] == ["good", "fine"]
    assert [payload.parse(raw)["jid"] for raw in fleet.members("retry")] == ["bad"]


def test_a_retry_runs_again_with_its_history(fleet: Fleet) -> None:
    attempts: list[int] = []

    @teep.job(name="job", retry_in=lambda _count, _error, _job: 60)
    def job() -> None:
        context = teep.current_job()
        assert context is not None
        attempts.append(context.attempt)
        if len(attempts) < 2:
            raise ValueError("once")

    fleet.push(job)
    fleet.start(poll_interval_average=0.05)
    raw = wait_until(lambda: fleet.members("retry"), SOON, "the retry")[0]
    # Due at once: a shorter delay could be over before the set is looked at.
    fleet.server.command("ZADD", "retry", 1, raw)
    wait_until(lambda: len(attempts) == 2, SOON, "the second attempt")
    assert attempts == [1, 2]
    fleet.wait_until_processed(2)
    assert fleet.counters() == (2, 1)


def _raw(jid: str, **fields: Any) -> bytes:
    job = {"retry": True, "queue": "default", "args": [], "class": "x", "jid": jid, "created_at": 1.5}
    return msgspec.json.encode(job | fields)
