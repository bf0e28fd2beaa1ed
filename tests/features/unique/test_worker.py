"""Unique jobs in workers: the lock is there as long as it should be, and not longer, however a job ends."""

import threading
import time
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from teep.runtime.component import Component
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server

_HOUR = 3600
_UNIQUE = {"unique_for": _HOUR}


class _Held:
    """A `def` and an `async def` job that run until the test lets them go, and then raise what it says."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.raises: BaseException | None = None

    def jobs(self) -> dict[str, Enqueueable]:
        @teep.job(name="held_def")
        def plain() -> None:
            self._run()

        @teep.job(name="held_async")
        async def coroutine() -> None:
            self._run()

        return {"def": plain, "async": coroutine}

    def _run(self) -> None:
        self.begun.release()
        assert self.go.wait(SOON)
        if self.raises is not None:
            raise self.raises

    def wait_for_begin(self) -> None:
        assert self.begun.acquire(timeout=SOON)


def _pushed(fleet: Fleet, job: Enqueueable, **fields: Any) -> str | None:
    return fleet.client.push(job.to_payload((), {}) | _UNIQUE | fields)


def _is_locked(fleet: Fleet) -> bool:
    return bool(fleet.server.command("KEYS", "unique:*"))


def _wait_for_unlock(fleet: Fleet) -> None:
    wait_until(lambda: not _is_locked(fleet), SOON, "the lock to be given back")


@pytest.mark.parametrize("kind", ["def", "async"])
def test_until_success_it_is_locked_while_it_runs_and_counts_as_any_job(fleet: Fleet, kind: str) -> None:
    held = _Held()
    job = held.jobs()[kind]
    fleet.start()
    assert _pushed(fleet, job)
    held.wait_for_begin()
    assert _pushed(fleet, job) is None
    held.go.set()
    _wait_for_unlock(fleet)
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)
    assert _pushed(fleet, job)
    fleet.wait_until_processed(2)


@pytest.mark.parametrize("kind", ["def", "async"])
def test_until_start_the_next_one_may_come_while_it_runs(fleet: Fleet, kind: str) -> None:
    held = _Held()
    job = held.jobs()[kind]
    until_start = {"unique_until": "start"}
    assert _pushed(fleet, job, **until_start)
    assert _pushed(fleet, job, **until_start) is None
    fleet.start(concurrency=1)
    held.wait_for_begin()
    second = _pushed(fleet, job, **until_start)
    assert second
    held.go.set()
    fleet.wait_until_processed(2)
    _wait_for_unlock(fleet)


def test_the_end_of_one_does_not_take_the_lock_of_another(fleet: Fleet) -> None:
    held = _Held()
    job = held.jobs()["def"]
    fleet.start(concurrency=1)
    assert _pushed(fleet, job, unique_until="start")
    held.wait_for_begin()
    assert fleet.client.push(job.to_payload((), {}) | {"at": time.time() + _HOUR} | _UNIQUE)
    held.go.set()
    fleet.wait_until_processed(1)
    assert _is_locked(fleet)


def test_a_retry_keeps_the_lock_and_is_not_kept_out_by_it(fleet: Fleet) -> None:
    held = _Held()
    held.raises = ValueError("as intended")
    held.go.set()
    job = held.jobs()["def"]
    fleet.start(queues=["default", "low"])
    jid = _pushed(fleet, job, retry_queue="low")  # its lock is still that of the first queue
    assert fleet.failed_payload()["jid"] == jid
    assert _pushed(fleet, job, retry_queue="low") is None
    held.raises = None
    assert teep.RetrySet(config=fleet.config).retry_all() == 1
    fleet.wait_until_processed(2)
    _wait_for_unlock(fleet)


@pytest.mark.parametrize("end", [{"retry": 0}, {"retry": 0, "dead": False}, {"retry": False}])
def test_death_and_discard_give_the_lock_back(fleet: Fleet, end: dict[str, Any]) -> None:
    held = _Held()
    held.raises = ValueError("as intended")
    held.go.set()
    assert _pushed(fleet, held.jobs()["def"], **end)
    fleet.start()
    fleet.wait_until_processed(1)
    assert not _is_locked(fleet)
    assert fleet.counters() == (1, 1)


def test_an_expired_job_gives_it_back(fleet: Fleet) -> None:
    assert _pushed(fleet, _Held().jobs()["def"], expires_in=0.001)
    time.sleep(0.002)
    fleet.start()
    fleet.wait_until_processed(1)
    assert not _is_locked(fleet)


def test_a_job_that_is_cancelled_while_it_runs_gives_it_back(fleet: Fleet) -> None:
    begun = threading.Event()

    @teep.job(name="runs_on")
    def runs_on() -> None:
        begun.set()
        while True:
            time.sleep(0.001)

    fleet.start()
    jid = _pushed(fleet, runs_on)
    assert jid
    assert begun.wait(SOON)
    assert fleet.client.cancel(jid) == "working"
    _wait_for_unlock(fleet)


def test_a_stop_puts_it_back_with_its_lock(fleet: Fleet) -> None:
    process = fleet.spawn("-t", "0")
    jid = fleet.push("hold", **_UNIQUE)
    fleet.wait_for_notes(1, "begun")
    process.stop()
    assert [jid.encode() in raw for raw in fleet.queue()] == [True]
    assert _is_locked(fleet)


def test_a_killed_worker_leaves_the_lock_until_the_job_was_rescued_and_has_succeeded(fleet: Fleet) -> None:
    process = fleet.spawn()
    jid = fleet.push("hold", **_UNIQUE)
    fleet.wait_for_notes(1, "begun")
    process.kill()
    again = {"class": "hold", "args": [], **_UNIQUE}
    assert fleet.client.push(again) is None
    fleet.spawn()
    fleet.wait_for_notes(2, "begun")
    assert fleet.client.push(again) is None
    fleet.server.command("SET", "go", 1)
    assert fleet.wait_for_notes(1) == [jid]
    _wait_for_unlock(fleet)


def test_a_poison_job_gives_it_back(fleet: Fleet) -> None:
    fleet.push("hold", **_UNIQUE)
    for number in range(3):
        process = fleet.spawn("-c", "1")
        fleet.wait_for_notes(number + 1, "begun")
        process.kill()
        assert _is_locked(fleet)
    Rescuer(Component.alone(fleet.config, _fail_test, "me:1:0")).run_once()
    assert len(fleet.members("dead")) == 1
    assert not _is_locked(fleet)


def test_what_a_given_up_process_says_later_takes_no_lock(fleet: Fleet) -> None:
    held = _Held()
    job = held.jobs()["def"]
    worker = fleet.start()
    assert _pushed(fleet, job)
    held.wait_for_begin()
    (key,) = fleet.server.command("KEYS", "{queue:*}:inflight:*")
    fleet.server.command("LMOVE", key, "kept", "LEFT", "LEFT")  # as a rescue takes it
    held.go.set()
    worker.stop(SOON)
    assert _is_locked(fleet)


def test_an_interrupted_iterable_job_keeps_it(fleet: Fleet) -> None:
    begun, go = threading.Event(), threading.Event()

    class Walks(teep.IterableJob, name="walks", max_iteration_runtime=0.001, **_UNIQUE):
        def build_enumerator(self, *, cursor: Any) -> Any:
            return self.array_enumerator([1, 2], cursor=cursor)

        def each_iteration(self, _item: int) -> None:
            time.sleep(0.002)
            if begun.is_set():
                assert go.wait(SOON)
            begun.set()

    fleet.start()
    assert fleet.client.enqueue(Walks)
    assert begun.wait(SOON)
    fleet.wait_until_processed(1, in_flight=1)  # the interruption counts as a run
    assert fleet.client.enqueue(Walks) is None
    go.set()
    _wait_for_unlock(fleet)


def _fail_test(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error
