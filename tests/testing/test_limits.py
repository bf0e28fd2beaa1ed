"""Limits in tests: those of `fake()` and `inline()` need no Redis, and all of them go by the test's time."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

import teep
from teep import limits, testing
from teep.errors import EmptyQueue
from teep.testing.worker import InProcessWorker
from tests.support.servers import Server
from tests.worker.fleet import SOON, process_wide

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ran: list[int] = []


@pytest.fixture(autouse=True)
def _none_ran(own_registry: None) -> None:
    ran.clear()


def limited(limit: Any) -> Any:
    @teep.job(name="limited", limit=limit)
    def run(number: int) -> None:
        ran.append(number)

    return run


@pytest.mark.usefixtures("offline")
def test_collected_jobs_wait_for_their_limit_and_time_moves_on() -> None:
    job = limited(limits.bucket("b", 2, "minute"))
    with time_machine.travel(NOON, tick=False) as now, testing.fake() as jobs:
        for number in range(5):
            job.perform_async(number)
        assert jobs.drain() == 2
        assert [one.at for one in jobs] == [NOON + timedelta(minutes=1)] * 3
        assert jobs.drain() == 0
        now.shift(60)
        assert jobs.drain() == 2
        now.shift(60)
        assert jobs.drain() == 1
    assert ran == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("offline")
def test_a_drain_of_scheduled_jobs_runs_those_too_that_wait_for_a_limit() -> None:
    job = limited(limits.bucket("b", 2, "day"))
    with testing.fake() as jobs:
        for number in range(5):
            job.perform_async(number)
        assert jobs.perform_one().args == [0]
        assert jobs.drain(with_scheduled=True) == 4
        assert len(jobs) == 0
        job.perform_async(5)
        assert jobs.drain() == 0
        assert jobs.perform_one(with_scheduled=True).args == [5]
    assert ran == [0, 1, 2, 3, 4, 5]


@pytest.mark.usefixtures("offline")
def test_on_a_loop_too() -> None:
    job = limited(limits.window("w", 1, "minute"))

    async def drained(jobs: testing.Jobs) -> int:
        for number in range(2):
            await job.aio.perform_async(number)
        return await jobs.async_drain()

    with testing.fake() as jobs:
        assert asyncio.run(drained(jobs)) == 1
        assert len(jobs) == 1


@pytest.mark.usefixtures("offline")
def test_the_next_job_is_none_that_waits() -> None:
    job = limited(limits.concurrent("c", 1))
    limit = limits.concurrent("c", 1)
    with testing.fake() as jobs:
        job.perform_async(1)
        with limit.within_limit(), pytest.raises(EmptyQueue):
            jobs.perform_one()
        assert len(jobs) == 1


@pytest.mark.usefixtures("offline")
def test_each_mode_begins_with_limits_of_its_own() -> None:
    job = limited(limits.bucket("b", 1, "day"))
    for number in range(2):
        with testing.inline():
            job.perform_async(number)
    assert ran == [0, 1]


@pytest.mark.usefixtures("offline")
def test_inline_the_push_raises() -> None:
    job = limited(limits.concurrent("c", 1))
    limit = limits.concurrent("c", 1)
    with testing.inline():
        job.perform_async(1)
        with limit.within_limit(), pytest.raises(teep.OverLimit, match="over the limit c"):
            job.perform_async(2)
        job.perform_async(3)
    assert ran == [1, 3]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("limit", "let"),
    [
        (limits.bucket("l", 2, "minute"), 2),
        (limits.window("l", 2, "minute"), 2),
        (limits.leaky("l", 2, "minute"), 2),
        (limits.points("l", 2, 0.1), 2),
        (limits.unlimited(), 5),
    ],
)
def test_within_a_limit_nothing_waits(limit: limits.Limit, let: int) -> None:
    inside = 0
    began = time.monotonic()
    with testing.fake():
        for _ in range(5):
            with contextlib.suppress(teep.OverLimit), limit.within_limit():
                inside += 1
    assert inside == let
    assert time.monotonic() - began < 4.0


@pytest.mark.usefixtures("offline")
def test_points_are_corrected() -> None:
    limit = limits.points("p", 100, 1)
    with testing.fake():
        with limit.within_limit(estimate=50) as use:
            use.points_used(10)
        with limit.within_limit(estimate=90):
            pass


@pytest.mark.usefixtures("offline")
def test_a_limit_that_the_job_itself_runs_into_is_its_error() -> None:
    @teep.job(name="raises")
    def raises() -> None:
        raise teep.OverLimit(retry_after=5)

    with testing.fake() as jobs:
        raises.perform_async()
        with pytest.raises(teep.OverLimit):
            jobs.drain()
        assert len(jobs) == 0


@pytest.mark.one_server
def test_a_worker_in_the_test_goes_by_the_time_of_the_test(valkey: Server) -> None:
    job = limited(limits.bucket("b", 2, "day"))
    with process_wide(valkey) as here, time_machine.travel(NOON) as now:
        worker = InProcessWorker(here.config)
        for number in range(5):
            job.perform_async(number)
        assert worker.drain() == 2
        assert teep.ScheduledSet().size() == 3
        now.shift(timedelta(days=1))
        assert worker.drain() == 2
        now.shift(timedelta(days=1))
        assert worker.drain() == 1
    assert sorted(ran) == [0, 1, 2, 3, 4]


@pytest.mark.one_server
def test_such_a_worker_runs_what_waits_for_a_limit_if_it_is_to_run_scheduled_jobs(valkey: Server) -> None:
    limit = limits.bucket("b", 2, "day")
    job = limited(limit)
    with process_wide(valkey) as here:
        worker = InProcessWorker(here.config)
        job.perform_bulk([[number] for number in range(5)])
        assert worker.drain(with_scheduled=True) == 5
        limit.pause(3_600)
        job.perform_async(5)
        assert worker.drain(with_scheduled=True, timeout=SOON) == 1
    assert sorted(ran) == [0, 1, 2, 3, 4, 5]
