"""Running what `fake()` has collected."""

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

import teep
from teep import testing
from teep.encryption import values
from teep.errors import EmptyQueue, UnknownJob

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(params=["drain", "async_drain"])
def drain(request: pytest.FixtureRequest, offline: teep.Config) -> Callable[..., int]:
    """Drains from a plain program, or from a running event loop."""
    function = getattr(testing, request.param)

    async def main(**how: Any) -> int:
        return int(await function(**how))

    return function if not inspect.iscoroutinefunction(function) else lambda **how: asyncio.run(main(**how))


@pytest.fixture(params=["def", "async def"])
def countdown(request: pytest.FixtureRequest) -> Any:
    """A job that pushes itself with one less, and notes its runs in `countdown.runs`."""
    runs: list[int] = []

    def note(number: int) -> None:
        context = teep.current_job()
        assert context is not None
        assert context.queue == "low"
        runs.append(number)

    def work(number: int) -> None:
        note(number)
        if number:
            job.perform_async(number - 1)

    async def awork(number: int) -> None:
        note(number)
        if number:
            await job.aio.perform_async(number - 1)

    job: Any = teep.job(name="countdown", queue="low")(work if request.param == "def" else awork)
    job.runs = runs
    return job


@pytest.fixture(params=["perform_one", "async_perform_one"])
def perform_one(request: pytest.FixtureRequest, offline: teep.Config) -> Callable[..., testing.EnqueuedJob]:
    """Runs one job, from a plain program or on a running event loop."""
    function = getattr(testing, request.param)

    async def main(*job: Any, **how: Any) -> Any:
        return await function(*job, **how)

    return (
        function if not inspect.iscoroutinefunction(function) else lambda *job, **how: asyncio.run(main(*job, **how))
    )


def test_perform_one_runs_the_next_job(perform_one: Callable[..., testing.EnqueuedJob], countdown: Any) -> None:
    other = teep.job(name="other")(countdown.runs.append)
    with testing.fake() as jobs:
        countdown.perform_async(2)
        other.perform_async("other")
        assert perform_one().args == [2]
        assert perform_one(countdown).args == [1]  # which the first has pushed, behind the other
        assert perform_one("other").klass == "other"
        assert countdown.runs == [2, 1, "other"]
        assert [job.args for job in jobs] == [[0]]


def test_perform_one_without_a_job_that_could_run(perform_one: Callable[..., testing.EnqueuedJob]) -> None:
    job = teep.job(name="later")(lambda: None)
    with testing.fake():
        with pytest.raises(EmptyQueue, match=r"^no job is collected that could run now$"):
            perform_one()
        job.perform_in(60)
        with pytest.raises(EmptyQueue, match=r"^no job later is collected that could run now$"):
            perform_one(job)
        assert perform_one(job, with_scheduled=True).klass == "later"


def test_one_jobs_own_are_drained_and_forgotten(countdown: Any, offline: teep.Config) -> None:
    other = teep.job(name="other")(lambda: None)
    with testing.fake() as jobs:
        countdown.set(queue="low").perform_async(2)
        other.perform_bulk([[], [], []])
        if inspect.iscoroutinefunction(inspect.unwrap(countdown)):
            assert asyncio.run(testing.async_drain(countdown)) == 3
        else:
            assert testing.drain(countdown) == 3
        assert [job.klass for job in jobs] == ["other"] * 3
        testing.clear("another")
        assert len(jobs) == 3
        testing.clear(other)
        assert len(jobs) == 0


def test_a_job_that_has_expired_is_dropped_as_a_worker_would(drain: Callable[..., int]) -> None:
    ran: list[str] = []
    brief = teep.job(name="brief", expires_in=timedelta(minutes=1))(ran.append)
    with testing.fake() as jobs, time_machine.travel(NOON, tick=False) as clock:
        brief.perform_async("now")
        brief.perform_in(3600, "later")
        clock.shift(61)
        drain()
        assert ran == []
        assert len(jobs) == 1
        clock.shift(3600 - 61)
        brief.perform_async("now")
        drain()
        assert ran == ["now", "later"]
        assert len(jobs) == 0


def test_it_runs_what_jobs_push_too(drain: Callable[..., int], countdown: Any) -> None:
    with testing.fake() as jobs:
        countdown.perform_async(3)
        countdown.perform_async(1)
        assert drain() == 6
        assert countdown.runs == [3, 1, 2, 0, 1, 0]
        assert list(jobs) == []
        assert drain() == 0


def test_not_recursive(drain: Callable[..., int], countdown: Any) -> None:
    with testing.fake() as jobs:
        countdown.perform_async(3)
        assert drain(recursive=False) == 1
        assert [job.args for job in jobs] == [[2]]


def test_scheduled_jobs_run_when_they_are_due(drain: Callable[..., int], countdown: Any) -> None:
    with time_machine.travel(NOON, tick=False) as clock, testing.fake() as jobs:
        countdown.perform_in(timedelta(hours=2), 0)
        countdown.perform_at(NOON + timedelta(hours=1), 0)
        assert [job.at for job in jobs] == [NOON + timedelta(hours=2), NOON + timedelta(hours=1)]
        assert drain() == 0
        clock.shift(3600 - 0.001)
        assert drain() == 0
        clock.shift(0.001)
        assert drain() == 1
        clock.shift(86_400)
        assert drain() == 1
        assert jobs.drain() == 0


def test_with_scheduled_runs_them_all_in_order_of_time(drain: Callable[..., int], countdown: Any) -> None:
    with testing.fake():  # numbers below zero push another job each
        countdown.perform_in(7_200, -2)
        countdown.perform_in(3_600, -1)
        countdown.perform_async(-3)
        assert drain(with_scheduled=True, recursive=False) == 3
        assert countdown.runs == [-3, -1, -2]


def test_a_failing_job_is_gone_and_the_others_stay(drain: Callable[..., int], countdown: Any) -> None:
    teep.job(name="fail", queue="low")(lambda: int("boom"))
    with testing.fake() as jobs:
        countdown.perform_async(0)
        teep.Client().push({"class": "fail", "args": []})
        countdown.perform_async(0)
        with pytest.raises(ValueError, match="boom"):
            drain()
        assert [job.klass for job in jobs] == ["countdown"]
        assert drain() == 1


def test_a_job_that_nobody_defines(drain: Callable[..., int]) -> None:
    with testing.fake():
        teep.Client().push({"class": "OfRuby", "args": []})
        with pytest.raises(UnknownJob, match="OfRuby"):
            drain()


def test_a_job_may_clear_what_is_left(drain: Callable[..., int], offline: teep.Config) -> None:
    job = teep.job(name="clear")(lambda: testing.clear())  # noqa: PLW0108 - a job of no arguments
    with testing.fake() as jobs:
        job.perform_bulk([[], [], []])
        assert drain() == 1
        assert list(jobs) == []


def test_the_middleware_runs_around_it(drain: Callable[..., int], countdown: Any, offline: teep.Config) -> None:
    seen: list[str] = []
    dropping: list[bool] = []

    def client(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        seen.append("client")
        return None if dropping else call_next()

    def server(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        seen.append("server")
        return call_next()

    offline.client_middleware.add(client)
    offline.server_middleware.add(server)
    with testing.fake():
        countdown.perform_in(60, 0)
        drain(with_scheduled=True)
        assert seen == ["client", "client", "server"]
        countdown.perform_in(60, 0)
        dropping.append(True)  # from now on, also when a scheduled job is due
        drain(with_scheduled=True)
    assert countdown.runs == [0]


def test_what_was_collected_runs_after_the_mode_too_and_pushes_nothing_for_real(countdown: Any) -> None:
    with testing.fake() as jobs:
        countdown.perform_async(2)
    assert jobs.drain() == 3


def test_an_encrypted_argument_is_decrypted_for_the_job_alone(
    drain: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "_keyring", None)
    teep.encryption.enable(active_version=1, key={1: b"\x01" * 32})
    got: list[str] = []
    keep = teep.job(name="keep", encrypt=True)(lambda who, secret: got.append(f"{who}: {secret}"))
    with testing.fake() as jobs:
        keep.perform_async("Ada", "the secret")
        testing.assert_enqueued(keep, args=["Ada", ...])
        assert "the secret" not in f"{jobs[0].value} {jobs}"
        drain()
    assert got == ["Ada: the secret"]
