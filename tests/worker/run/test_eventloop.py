"""The event loop of async jobs: one for all capsules and workers, which no job ends, and which ends in order."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import pytest

import teep
from teep.config import CapsuleConfig
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

COUNT = 30


def test_jobs_of_all_capsules_and_workers_share_a_loop(valkey_fleet: Fleet) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @teep.job(name="job")
    async def job() -> None:
        loops.append(asyncio.get_running_loop())

    queues = ("default", "one", "other")
    valkey_fleet.start(capsules={"one": CapsuleConfig(queues=("one",), concurrency=1)})
    second = valkey_fleet.start(queues=["other"])
    for queue in queues:
        valkey_fleet.push(job, queue=queue)
    wait_until(lambda: len(loops) == len(queues), SOON, "the jobs to run")
    second.stop()
    valkey_fleet.push(job, queue="one")
    wait_until(lambda: len(loops) == len(queues) + 1, SOON, "a job to run beside a worker that has stopped")
    assert len(set(loops)) == 1


def test_a_job_that_stops_the_loop_stops_no_other(valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    @teep.job(name="waits")
    async def waits() -> None:
        begun.set()
        while not go_on.is_set():  # noqa: ASYNC110 - it is set by a thread
            await asyncio.sleep(0.001)
        ended.append("waits")

    @teep.job(name="stops")
    async def stops() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        ended.append("stops")

    valkey_fleet.start()
    valkey_fleet.push(waits)
    assert begun.wait(SOON)
    valkey_fleet.push(stops)
    wait_until(lambda: ended == ["stops"], SOON, "the job to end that stops the loop")
    go_on.set()
    wait_until(lambda: ended == ["stops", "waits"], SOON, "the other one to end")
    assert "has stopped the event loop" in caplog.text


def test_what_a_job_leaves_behind_ends_in_order_at_the_stop(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    kept: list[object] = []

    async def cleans_up(how: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            seen.append(how)
            if how == "badly":
                raise ValueError("while it was cancelled")

    async def items() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append("generator")

    @teep.job(name="job")
    async def job() -> None:
        generator = items()
        kept.extend((asyncio.create_task(cleans_up("well")), asyncio.create_task(cleans_up("badly")), generator))
        await anext(generator)
        seen.append("left")

    worker = valkey_fleet.start()
    valkey_fleet.push(job)
    wait_until(lambda: seen == ["left"], SOON, "the job to run")
    assert worker.stop()
    assert sorted(seen) == ["badly", "generator", "left", "well"]
    (record,) = (record for record in caplog.records if record.name == "asyncio")
    assert record.levelno == logging.ERROR
    assert "while it was cancelled" in caplog.text


@pytest.mark.slow("a task that ignores its cancellation gets the 3 s of the last moment")
def test_neither_a_stubborn_task_nor_a_blocked_executor_holds_up_the_stop(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    begun, release, released = threading.Event(), threading.Event(), threading.Event()

    def blocks() -> None:
        begun.set()
        release.wait()
        released.set()

    async def ignores() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asyncio.get_running_loop().stop()

    @teep.job(name="job")
    async def job() -> None:
        job_tasks.append(asyncio.create_task(ignores()))
        await asyncio.to_thread(blocks)

    job_tasks: list[asyncio.Task[None]] = []
    worker = valkey_fleet.start()
    valkey_fleet.push(job)
    assert begun.wait(SOON)
    started = time.monotonic()
    assert worker.stop(0)
    assert time.monotonic() - started < 20
    assert "1 tasks on the event loop still run" in caplog.text
    release.set()
    assert released.wait(SOON)


def test_jobs_that_never_wait_have_a_task_and_a_context_each(valkey_fleet: Fleet) -> None:
    variable: ContextVar[int] = ContextVar("variable")
    seen: list[tuple[str, int | None]] = []

    @teep.job(name="job")
    async def job(number: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        async with asyncio.timeout(SOON):  # noqa: ASYNC100 - it needs the task
            seen.append((task.get_name(), variable.get(None)))
        variable.set(number)

    for number in range(COUNT):
        valkey_fleet.push(job, number)
    valkey_fleet.start(concurrency=2)
    wait_until(lambda: len(seen) == COUNT, SOON, "the jobs to run")
    assert len({name for name, _ in seen}) == COUNT
    assert {value for _, value in seen} == {None}


def test_a_task_that_a_job_that_never_waits_leaves_behind_runs(valkey_fleet: Fleet) -> None:
    kept: set[asyncio.Task[None]] = set()
    ran: list[int] = []

    async def later(number: int) -> None:
        ran.append(number)

    @teep.job(name="job")
    async def job(number: int) -> None:
        kept.add(asyncio.get_running_loop().create_task(later(number)))

    for number in range(COUNT):
        valkey_fleet.push(job, number)
    valkey_fleet.start()
    wait_until(lambda: sorted(ran) == [*range(COUNT)], SOON, "the tasks to run")


def test_jobs_that_never_wait_let_others_have_their_turn(valkey_fleet: Fleet) -> None:
    many = 300
    busy_jobs: list[float] = []
    at_turns: list[int] = []

    @teep.job(name="waits")
    async def waits() -> None:
        while len(busy_jobs) < many:
            at_turns.append(len(busy_jobs))
            await asyncio.sleep(0)

    @teep.job(name="busy")
    async def busy() -> None:
        time.sleep(0.0002)  # noqa: ASYNC251 - it holds up the loop
        busy_jobs.append(time.monotonic())

    valkey_fleet.push(waits)
    for _ in range(many):
        valkey_fleet.push(busy)
    valkey_fleet.start(concurrency=2)
    wait_until(lambda: len(busy_jobs) == many, SOON, "the jobs to run")
    # However many were reserved at a time.
    assert max(after - before for before, after in pairwise(at_turns)) <= 3


def test_a_task_factory_that_a_job_sets_starts_the_jobs_after_it(valkey_fleet: Fleet) -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    @teep.job(name="sets")
    async def sets() -> None:
        asyncio.get_running_loop().set_task_factory(factory)

    @teep.job(name="job")
    async def job() -> None:
        asyncio.get_running_loop().set_task_factory(None)
        ended.set()

    ended = threading.Event()
    valkey_fleet.push(sets)
    valkey_fleet.push(job)
    valkey_fleet.start(concurrency=1)
    assert ended.wait(SOON)
    assert len(made) == 1
