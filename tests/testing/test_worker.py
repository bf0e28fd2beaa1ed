"""The worker in the test's own process: the fixture `teep_worker`."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import freezegun
import pytest
import time_machine

import teep
from teep import testing
from teep.config import CapsuleConfig, async_driver_for
from teep.errors import UnknownJob
from teep.testing import worker
from teep.testing.idle import waiting
from teep.testing.worker import InProcessWorker
from tests.support.waiting import wait_until

# The fixtures are those that users get: from the plugin of the installed package.


@pytest.fixture
def ran() -> list[Any]:
    """What the job "note" was called with."""
    return []


@pytest.fixture
def note(ran: list[Any]) -> Any:
    @teep.job(name="note", queue="low")
    def note(number: int, queue: str = "") -> None:
        ran.append((number, threading.current_thread() is threading.main_thread()))
        if queue:
            note.set(queue=queue).perform_async(number + 1)

    return note


def test_drain_runs_what_waits_and_what_that_pushes_in_queues_that_nobody_knew(
    teep_worker: InProcessWorker, note: Any, ran: list[Any]
) -> None:
    note.perform_async(1, "unheard of")
    note.perform_in(3600, 10)
    assert ran == []
    assert teep_worker.drain() == 2
    assert ran == [(1, False), (2, False)]
    assert (teep.ScheduledSet().size(), teep.Stats().processed) == (1, 2)
    assert teep_worker.drain(with_scheduled=True) == 1
    assert ran[-1] == (10, False)
    assert teep.ProcessSet().size() == 0


def test_drain_runs_what_is_due_by_the_travelled_clock(
    teep_worker: InProcessWorker, note: Any, ran: list[Any]
) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        note.perform_in(timedelta(days=7), 1)
        assert teep_worker.drain() == 0
        clock.shift(timedelta(days=7))
        assert teep_worker.drain() == 1
    assert len(ran) == 1


def test_drain_raises_what_a_job_raised_after_all_have_run(
    teep_worker: InProcessWorker, note: Any, ran: list[Any]
) -> None:
    fail = teep.job(name="fail", retry=1)(lambda: int("boom"))
    fail.perform_async()
    note.perform_async(1)
    with pytest.raises(ValueError, match="boom"):
        teep_worker.drain()
    assert len(ran) == 1
    assert [entry.error_message for entry in teep.RetrySet()] == ["invalid literal for int() with base 10: 'boom'"]
    with time_machine.travel(timedelta(hours=1)):
        assert teep_worker.drain(raise_errors=False) == 1
    assert [type(error) for error in teep_worker.errors] == [ValueError, ValueError]
    assert [entry.klass for entry in teep.DeadSet()] == ["fail"]


def test_a_job_that_nobody_defines(teep_worker: InProcessWorker) -> None:
    teep.Client().push({"class": "OfRuby", "args": []})
    with pytest.raises(UnknownJob, match="OfRuby"):
        teep_worker.drain()


def test_start_runs_jobs_in_the_background(teep_worker: InProcessWorker, note: Any, ran: list[Any]) -> None:
    teep_worker.start()
    teep_worker.start()
    assert teep.ProcessSet().size() == 1
    note.perform_async(1)
    assert teep_worker.wait_until(lambda: ran) == [(1, False)]
    teep_worker.stop()
    teep_worker.stop()
    note.perform_async(2)
    assert teep.Queue("low").size() == 1


def test_drain_waits_for_what_runs(
    teep_worker: InProcessWorker, note: Any, ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def counted(identity: str) -> Any:
        looks.append(identity)
        return waiting(identity)

    @teep.job(name="slow")
    def slow() -> None:
        begun.set()
        assert may_end.wait(30)
        note.perform_async(1)

    monkeypatch.setattr(worker, "waiting", counted)
    slow.perform_async()
    with ThreadPoolExecutor() as pool:
        draining = pool.submit(teep_worker.drain)
        assert begun.wait(30)
        seen = len(looks)
        wait_until(lambda: draining.done() or len(looks) > seen + 2, 30, "some looks at a running job")
        assert not draining.done()
        may_end.set()
        assert draining.result(30) == 2
    assert len(ran) == 1


def test_both_say_what_they_waited_for(teep_worker: InProcessWorker, note: Any) -> None:
    teep.Queue("low").pause()
    note.perform_async(1)
    with pytest.raises(TimeoutError, match=r"not within 0.1 s: jobs that wait: {'low': 1}; errors: \[\]"):
        teep_worker.drain(timeout=0.1)
    with pytest.raises(TimeoutError, match=r"not within 0.1 s"):
        teep_worker.wait_until(lambda: False, timeout=0.1)


@pytest.mark.teep("fake")
def test_a_real_redis_means_real_pushes_whatever_the_mode(teep_worker: InProcessWorker, note: Any) -> None:
    note.perform_async(1)
    assert teep_worker.drain() == 1


@pytest.mark.teep("fake")
def test_the_mode_of_a_marker(note: Any, offline: teep.Config) -> None:
    thread = threading.Thread(target=note.perform_async, args=(1,))
    thread.start()
    thread.join()
    testing.assert_enqueued(note, args=[1, ...])


def test_asyncio(teep_worker: InProcessWorker, ran: list[Any]) -> None:
    @teep.job(name="awaited")
    async def awaited(number: int) -> None:
        await asyncio.sleep(0)
        ran.append(number)

    async def main() -> None:
        await awaited.aio.perform_bulk([[1], [2]])
        testing.assert_enqueued(awaited, args=[2])
        assert teep_worker.drain() == 2
        await async_driver_for(teep_worker.config).close()

    asyncio.run(main())
    assert sorted(ran) == [1, 2]


def test_queues_of_jobs_and_of_every_capsule_are_served(teep_redis: teep.Config, note: Any, ran: list[Any]) -> None:
    capsules = {"serial": CapsuleConfig(concurrency=1, queues=["low", "in order"])}
    other = InProcessWorker(teep_redis.copy(queues=["critical,2"], capsules=capsules, health="127.0.0.1:1"))
    note.set(queue="critical").perform_async(1, "in order")
    other.start()
    (process,) = teep.ProcessSet()
    assert {name: capsule["weights"].keys() for name, capsule in process.capsules.items()} == {
        "default": {"critical"}, "serial": {"low", "in order"},
    }  # fmt: skip
    other.drain()
    assert len(ran) == 2
    other.stop()


def test_a_worker_drains_though_the_tests_clock_stands_still(teep_worker: InProcessWorker) -> None:
    frozen: list[float] = []
    teep.job(name="frozen")(lambda: frozen.append(time.time())).perform_async()
    with freezegun.freeze_time("2026-11-24"):
        assert teep_worker.drain() == 1
    assert len(frozen) == 1


def test_waiting_ends_in_time_though_the_tests_clock_stands_still(teep_worker: InProcessWorker) -> None:
    with freezegun.freeze_time("2026-11-24"), pytest.raises(TimeoutError, match=r"^not within 0.1 s"):
        teep_worker.wait_until(lambda: False, 0.1)
