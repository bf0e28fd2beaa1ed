"""Jobs run: with their arguments, in a context of their own, as many at a time as configured."""

import asyncio
import gc
import threading
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from teep.config import async_driver_for
from teep.wire.command import Command
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_left_behind: ContextVar[str] = ContextVar("left_behind", default="nothing")


def test_a_def_job_gets_its_json_arguments(fleet: Fleet) -> None:
    got: SimpleQueue[tuple[Any, ...]] = SimpleQueue()

    @teep.job(name="job")
    def job(*args: Any, flag: bool = False) -> None:
        got.put((args, flag))

    args = [1, 2**80, -0.5, "gruß \U0001f600", None, True, [[], {}], {"a": {"b": []}}]
    fleet.start()
    fleet.client.enqueue(job, *args, flag=True)
    assert got.get(timeout=SOON) == (tuple(args), True)
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)


def test_an_async_job_gets_its_json_arguments(fleet: Fleet) -> None:
    got: SimpleQueue[tuple[Any, ...]] = SimpleQueue()

    @teep.job(name="job")
    async def job(first: int, second: str = "", *, third: int) -> None:
        await asyncio.sleep(0)
        got.put((first, second, third, asyncio.get_running_loop().is_running()))

    fleet.start()
    fleet.client.enqueue(job, 1, third=3)
    assert got.get(timeout=SOON) == (1, "", 3, True)
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)


def test_what_an_async_job_connected_is_closed_with_the_loop(fleet: Fleet) -> None:
    connections: SimpleQueue[int] = SimpleQueue()

    @teep.job(name="job")
    async def job() -> None:
        connections.put(await async_driver_for(fleet.config).execute(Command("CLIENT", "ID", read=int)))

    worker = fleet.start()
    fleet.push(job)
    connection = connections.get(timeout=SOON)
    fleet.wait_until_processed(1)
    gc.disable()  # which would close what nobody has closed
    try:
        worker.stop()
        clients = fleet.server.client.client_list
        wait_until(lambda: all(int(client["id"]) != connection for client in clients()), SOON, "its end")
    finally:
        gc.enable()


def test_a_class_job_runs_on_a_fresh_instance(fleet: Fleet) -> None:
    got: SimpleQueue[tuple[int, str | None]] = SimpleQueue()

    class Counting(teep.Job, name="Counting"):
        def __init__(self) -> None:
            self.runs = 0

        def perform(self) -> None:
            self.runs += 1
            got.put((self.runs, self.jid))

    fleet.start(concurrency=1)
    jids = [fleet.client.enqueue(Counting) for _ in range(2)]
    assert [got.get(timeout=SOON) for _ in jids] == [(1, jid) for jid in jids]


def test_a_job_knows_itself_and_outside_there_is_none(fleet: Fleet) -> None:
    got: SimpleQueue[tuple[Any, ...]] = SimpleQueue()

    def tell() -> None:
        job = teep.current_job()
        assert job is not None
        got.put((job.jid, job.queue, job.attempt, job.tags, job.payload["custom"]))

    @teep.job(name="plain", queue="low", tags=["x"], extra={"custom": 7})
    def plain() -> None:
        tell()

    @teep.job(name="coroutine", queue="low", tags=["x"], extra={"custom": 7})
    async def coroutine() -> None:
        await asyncio.sleep(0)
        tell()

    fleet.start(queues=["low"])
    for job in (plain, coroutine):
        jid = fleet.push(job)
        assert got.get(timeout=SOON) == (jid, "low", 1, ["x"], 7)
    assert teep.current_job() is None


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_one_job_leaves_in_a_context_variable_the_next_does_not_see(fleet: Fleet, kind: str) -> None:
    seen: SimpleQueue[str] = SimpleQueue()

    def look() -> None:
        seen.put(_left_behind.get())
        _left_behind.set("something")

    @teep.job(name="plain")
    def plain() -> None:
        look()

    @teep.job(name="coroutine")
    async def coroutine() -> None:
        look()

    fleet.start(concurrency=1)
    for _ in range(3):
        fleet.push(plain if kind == "def" else coroutine)
    assert [seen.get(timeout=SOON) for _ in range(3)] == ["nothing"] * 3


@pytest.mark.parametrize("kinds", ["d", "a", "da", "dddaaa"])
def test_concurrency_is_reached_and_never_exceeded(fleet: Fleet, kinds: str) -> None:
    gauge = _Gauge()

    @teep.job(name="plain")
    def plain() -> None:
        with gauge:
            gauge.opened.wait(SOON)

    @teep.job(name="coroutine")
    async def coroutine() -> None:
        with gauge:
            await asyncio.to_thread(gauge.opened.wait, SOON)

    by_kind: dict[str, Enqueueable] = {"d": plain, "a": coroutine}
    jobs = [by_kind[kinds[number % len(kinds)]] for number in range(40)]
    for job in jobs:
        fleet.push(job)
    fleet.start(concurrency=4)
    wait_until(lambda: gauge.now == 4, SOON, lambda: f"four jobs at a time, not {gauge.now}")
    gauge.opened.set()
    fleet.wait_until_processed(len(jobs))
    assert (gauge.most, gauge.runs) == (4, 40)


def test_threads_and_coroutines_together_stay_within_the_concurrency_when_jobs_are_quick(fleet: Fleet) -> None:
    gauge = _Gauge()
    gauge.opened.set()

    @teep.job(name="plain")
    def plain() -> None:
        with gauge:
            pass

    @teep.job(name="coroutine")
    async def coroutine(turns: int) -> None:
        with gauge:
            for _ in range(turns):
                await asyncio.sleep(0)

    fleet.start(concurrency=3)
    for number in range(1_000):
        if number % 3:
            fleet.push(plain)
        else:
            fleet.push(coroutine, number % 5)
    fleet.wait_until_processed(1_000)
    assert gauge.most <= 3
    assert gauge.runs == 1_000


def test_jobs_that_come_one_after_another_always_fill_every_slot(fleet: Fleet) -> None:
    begun = threading.Semaphore(0)
    go = threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.release()
        go.wait(SOON)

    # The thread that waits at the queues is another with every job; the next one must not be forgotten.
    fleet.start(concurrency=3)
    for round_ in range(1, 101):
        go.clear()
        for _ in range(3):
            fleet.push(job)
        assert all(begun.acquire(timeout=SOON) for _ in range(3)), f"a slot stays empty in round {round_}"
        go.set()
        fleet.wait_until_processed(3 * round_)


def test_server_middleware_wraps_both_kinds(fleet: Fleet) -> None:
    calls: SimpleQueue[str] = SimpleQueue()
    config = fleet.configure(concurrency=1)

    def outer(job: dict[str, Any], call_next: Any) -> Any:
        calls.put(f"outer {job['class']}")
        return call_next()

    async def inner(job: dict[str, Any], call_next: Any) -> Any:
        calls.put("inner")
        result = await call_next()
        calls.put("after")
        return result

    @teep.job(name="coroutine")
    async def coroutine() -> None:
        calls.put("job")

    config.server_middleware.add(outer)
    config.server_middleware.add(inner)
    worker = fleet.start(config)
    fleet.push(coroutine)
    assert [calls.get(timeout=SOON) for _ in range(4)] == ["outer coroutine", "inner", "job", "after"]
    worker.stop()
    config.server_middleware.remove(inner)

    @teep.job(name="plain")
    def plain() -> None:
        calls.put("job")

    worker.start()
    fleet.push(plain)
    assert [calls.get(timeout=SOON) for _ in range(2)] == ["outer plain", "job"]


class _Gauge:
    """Counts how many are inside at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = self.runs = 0
        self.opened = threading.Event()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.runs += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self.now -= 1
