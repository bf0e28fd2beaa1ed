"""The verbs of threads where an event loop runs: awaited they are refused, else they get a warning a place."""

import asyncio
import builtins
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import teep
from teep import testing
from teep.config import overridden
from teep.errors import BlockingPush
from tests.support.servers import Server


@teep.job(name="tests.blocking")
def job(number: int = 0) -> None:
    pass


async def _verb() -> Any:
    return await job.perform_async()  # type: ignore[misc]


async def _named() -> Any:
    return await job.set(retry=False).perform_in(60, number=1)  # type: ignore[misc]


async def _unpacked() -> Any:
    return await job.perform_async(*[1])  # type: ignore[misc]


async def _bulk() -> Any:
    return await job.perform_bulk([[1]])  # type: ignore[misc]


async def _client() -> Any:
    return await teep.Client().push({"class": "tests.blocking", "args": []})  # type: ignore[misc]


@pytest.fixture
def config(valkey: Server) -> Any:
    valkey.flushall()
    config = teep.Config(redis_url=valkey.url)
    with overridden(config):
        yield config


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("call", [_verb, _named, _unpacked, _bulk, _client])
def test_an_awaited_verb_of_threads_is_refused_before_it_pushes(
    valkey: Server, config: teep.Config, call: Callable[[], Coroutine[Any, Any, Any]], environment: str
) -> None:
    with overridden(config.copy(environment=environment)), pytest.raises(TypeError, match="nothing was done: use"):
        asyncio.run(call())
    assert valkey.command("DBSIZE") == 0


def test_a_test_that_collects_jobs_is_told_too(offline: teep.Config) -> None:
    with testing.fake(), pytest.raises(TypeError, match=r"use await job\.aio\.perform_async\(\.\.\.\)"):
        asyncio.run(_verb())


async def _push(times: int) -> list[Any]:
    return [job.perform_async() for _ in range(times)]


@pytest.mark.usefixtures("config")
def test_a_push_that_holds_up_the_loop_gets_a_warning_once_a_place() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        jids = asyncio.run(_push(3))
        assert [type(jid) for jid in jids] == [str] * 3
    (warning,) = caught
    assert warning.category is BlockingPush
    assert "job.aio.perform_async" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.usefixtures("config")
def test_threads_and_async_verbs_get_none() -> None:
    async def main() -> None:
        await job.aio.perform_async()
        await asyncio.to_thread(job.perform_async)

    job.perform_async()
    asyncio.run(main())


def test_nor_does_production(config: teep.Config) -> None:
    with overridden(config.copy(environment="production")):
        asyncio.run(_push(1))


@pytest.mark.usefixtures("config")
def test_nor_does_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    asyncio.run(_push(1))


@pytest.mark.usefixtures("offline")
def test_nor_does_a_push_that_no_network_takes() -> None:
    with testing.fake() as jobs:
        asyncio.run(_push(1))
    assert len(jobs) == 1
