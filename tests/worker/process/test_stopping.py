"""Stopping: who finishes in time is acknowledged, who does not goes back unburnt, and nothing runs twice."""

import asyncio
import threading
import time
from collections import Counter

import pytest

import teep
from teep.client.client import Enqueueable
from teep.errors import Shutdown
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


def test_a_job_that_takes_too_long_goes_back_byte_for_byte_to_be_the_next(fleet: Fleet) -> None:
    raised: list[BaseException] = []
    begun, ended = threading.Event(), threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        try:
            while True:
                time.sleep(0.001)
        except BaseException as error:
            raised.append(error)
            ended.set()
            raise

    fleet.push(job, custom={"z": 1.5, "a": [2**70, "ü"]})
    (raw,) = fleet.queue()
    worker = fleet.start(concurrency=1)
    assert begun.wait(SOON)
    fleet.push("later")
    started = time.monotonic()
    assert worker.stop(0.1)
    assert time.monotonic() - started < 4.5  # the configuration says five
    assert ended.is_set()
    assert [type(error) for error in raised] == [Shutdown]
    assert fleet.queue()[0] == raw
    assert len(fleet.queue()) == 2
    assert fleet.members("retry") == fleet.members("dead") == []
    assert fleet.counters() == (0, 0)
    assert fleet.in_flight() == []


def test_an_async_job_that_takes_too_long_is_cancelled_and_goes_back(fleet: Fleet) -> None:
    raised: list[BaseException] = []
    begun = threading.Event()

    @teep.job(name="job")
    async def job() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except BaseException as error:
            raised.append(error)
            raise

    fleet.push(job)
    (raw,) = fleet.queue()
    worker = fleet.start()
    assert begun.wait(SOON)
    assert worker.stop(0.1)
    assert [type(error) for error in raised] == [asyncio.CancelledError]
    assert fleet.queue() == [raw]
    assert fleet.members("retry") == []
    assert fleet.counters() == (0, 0)


def test_a_shutdown_that_a_job_wraps_in_its_own_error_is_no_failure(fleet: Fleet) -> None:
    begun = threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        try:
            while True:
                time.sleep(0.001)
        except BaseException as error:
            raise RuntimeError("could not finish") from error

    fleet.push(job)
    (raw,) = fleet.queue()
    worker = fleet.start()
    assert begun.wait(SOON)
    assert worker.stop(0.1)
    assert fleet.queue() == [raw]
    assert fleet.members("retry") == []


def test_several_go_back_in_their_order_in_front_of_what_waits(fleet: Fleet) -> None:
    begun = threading.Semaphore(0)

    @teep.job(name="job")
    def job(_number: int) -> None:
        begun.release()
        while True:
            time.sleep(0.001)

    for number in range(8):
        fleet.push(job, number)
    raws = fleet.queue()
    worker = fleet.start(concurrency=3)
    for _ in range(3):
        assert begun.acquire(timeout=SOON)
    worker.stop(0.05)
    assert fleet.queue() == raws


@pytest.mark.slow("it is given up after some seconds")
def test_a_job_that_ignores_the_stop_does_not_hold_up_the_process(fleet: Fleet) -> None:
    process = fleet.spawn("-t", "0.1", "-c", "2")
    jids = [fleet.push("stubborn")]
    fleet.wait_for_notes(1, "begun")
    (raw,) = fleet.in_flight()
    started = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - started < 8
    assert fleet.queue() == [raw]
    assert jids[0] in process.log
    assert "still runs" in process.log
    assert fleet.identity(process) == ""


def test_a_real_process_pushes_back_def_and_async_jobs(fleet: Fleet) -> None:
    fleet.push("tell_of_stop")
    fleet.push("tell_of_cancel")
    raws = fleet.queue()
    process = fleet.spawn("-t", "0.1", "-c", "2")
    fleet.wait_for_notes(2, "begun")
    assert process.stop() == 0
    assert sorted(fleet.noted("stopped")) == ["CancelledError", "Shutdown"]
    assert sorted(fleet.queue()) == sorted(raws)
    assert fleet.counters() == (0, 0)


def test_a_clean_stop_under_load_runs_every_job_exactly_once(fleet: Fleet) -> None:
    runs: Counter[int] = Counter()
    lock = threading.Lock()
    half, stopping = threading.Event(), threading.Event()

    def note(number: int) -> None:
        with lock:
            runs[number] += 1
            if runs.total() == 1_000:
                half.set()

    @teep.job(name="plain")
    def plain(number: int) -> None:
        if half.is_set():
            stopping.wait(SOON)
        note(number)

    @teep.job(name="coroutine")
    async def coroutine(number: int) -> None:
        await asyncio.sleep(0)
        if half.is_set():
            await asyncio.to_thread(stopping.wait, SOON)
        note(number)

    jobs: tuple[Enqueueable, ...] = (plain, coroutine)
    for part, job in enumerate(jobs):
        numbers = [[number] for number in range(part, 2_000, 2)]
        fleet.client.push_bulk({**job.to_payload((0,), {}), "args": numbers})
    config = fleet.configure(concurrency=5)
    config.on("quiet", stopping.set)
    first = fleet.start(config)
    assert half.wait(SOON)
    assert first.stop()
    done = runs.total()
    assert done < 2_000
    assert fleet.in_flight() == []
    assert fleet.counters() == (done, 0)
    assert len(fleet.queue()) == 2_000 - done
    fleet.start(concurrency=5)
    fleet.wait_until_processed(2_000)
    assert runs == Counter(range(2_000))
    assert fleet.counters() == (2_000, 0)


def test_a_worker_can_be_started_again_after_a_stop(fleet: Fleet) -> None:
    ran = threading.Semaphore(0)

    @teep.job(name="job")
    def job() -> None:
        ran.release()

    worker = fleet.start()
    for _ in range(3):
        fleet.push(job)
        assert ran.acquire(timeout=SOON)
        assert worker.stop()
        worker.start()
    wait_until(lambda: fleet.counters() == (3, 0), SOON, "three jobs counted")
