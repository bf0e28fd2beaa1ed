"""Results in tests: what jobs returned in `fake()` and `inline()` is known, and Redis is not asked."""

import asyncio
from typing import Any

import pytest

import teep
import teep.testing
from teep.errors import NotHere

pytestmark = [pytest.mark.one_server, pytest.mark.usefixtures("own_registry", "offline")]


@pytest.fixture(params=["def", "async"])
def double(request: pytest.FixtureRequest, own_registry: None) -> teep.JobFunction[[int], Any]:
    """A job that keeps its result."""

    @teep.job(name="double", keep_result=60)
    def double(number: int) -> int:
        return number * 2

    @teep.job(name="double_async", keep_result=60)
    async def double_async(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    return double if request.param == "def" else double_async


def test_a_collected_job_has_a_result_once_it_has_run(double: teep.JobFunction[[int], Any]) -> None:
    with teep.testing.fake():
        result = teep.result(double.perform_async(2))
        later = teep.result(double.perform_in(60, 3))
        assert (result.status, later.status) == ("queued", "scheduled")
        with pytest.raises(NotHere, match=r"is collected and has not run; run it with teep\.testing\.drain\(\)"):
            result.get()
        teep.testing.drain()
        assert (result.get(), result.status, later.status) == (4, "succeeded", "scheduled")
        teep.testing.drain(with_scheduled=True)
        assert later.get(timeout=5) == 6


def test_inline_it_has_one_at_once(double: teep.JobFunction[[int], Any]) -> None:
    with teep.testing.inline():
        assert teep.result(double.perform_async(2)).get() == 4


def test_in_tasks(double: teep.JobFunction[[int], Any]) -> None:
    async def program() -> None:
        with teep.testing.fake():
            result = teep.aresult(await double.aio.perform_async(2))
            assert await result.status == "queued"
            await teep.testing.async_drain()
            assert await result.get() == 4
            assert await result.status == "succeeded"

    asyncio.run(program())


def test_without_the_option_or_after_an_error_there_is_none() -> None:
    @teep.job(name="plain")
    def plain() -> int:
        return 1

    @teep.job(name="broken", keep_result=60)
    def broken() -> None:
        raise ValueError("as intended")

    @teep.job(name="odd", keep_result=60)
    def odd() -> object:
        return object()

    with teep.testing.fake():
        results = [teep.result(job.perform_async()) for job in (plain, odd, broken)]
        with pytest.raises(ValueError, match="as intended"):
            teep.testing.drain()
        assert [result.status for result in results] == ["unknown", "succeeded", "unknown"]
        for result, words in zip(
            results, ("no result of .* is kept in this test", "is a object", "no result"), strict=True
        ):
            with pytest.raises(teep.ResultNotKept, match=words):
                result.get()
