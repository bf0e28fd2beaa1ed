"""Commands that are awaited side by side share their round trips, and nothing else."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from teep.drivers import AsyncDriver
from teep.drivers.together import together
from teep.errors import RedisCommandError
from teep.wire import commands
from teep.wire.command import Command, MultiExec, Plan
from teep.wire.keys import Key
from tests.api.trips import sent
from tests.support.servers import Server

LIST, HASH = Key("list"), Key("hash")


def carried_out(server: Server, *ways: Plan[Any]) -> tuple[list[Any], int]:
    """Run plans side by side; return their outcomes, and how many round trips they took in all."""

    async def run() -> tuple[list[Any], int]:
        driver = AsyncDriver(server.url)
        try:
            with together(), sent() as trips:
                return await asyncio.gather(*map(driver.run, ways), return_exceptions=True), len(trips)
        finally:
            await driver.close()

    return asyncio.run(run())


async def awaited(*wanted: Command[Any]) -> list[Any]:
    return [await command for command in wanted]


def test_each_step_of_plans_is_one_round_trip(server: Server) -> None:
    server.client.rpush(LIST, "a", "b")
    size = commands.llen(LIST)
    outcomes, trips = carried_out(
        server, awaited(size, size), awaited(commands.lrange(LIST, 0, -1), size, size), awaited(size)
    )
    assert outcomes == [[2, 2], [[b"a", b"b"], 2, 2], [2]]
    assert trips == 3


def test_the_error_of_one_is_its_own(server: Server) -> None:
    server.client.rpush(LIST, "a")
    outcomes, trips = carried_out(server, awaited(commands.llen(LIST)), awaited(commands.hgetall(LIST)))
    assert outcomes[0] == [1]
    assert isinstance(outcomes[1], RedisCommandError)
    assert trips == 1


@pytest.mark.parametrize(
    "command",
    [
        commands.lpush(LIST, b"x"),  # must not be sent twice, as the others may be
        commands.brpop_text([LIST], 1, lambda _, text: text),  # would hold up the others
        MultiExec([commands.llen(LIST)]),
    ],
    ids=["a push", "one that waits", "a transaction"],
)
def test_what_would_harm_the_others_goes_alone(server: Server, command: Command[Any]) -> None:
    server.client.rpush(LIST, "a")
    outcomes, trips = carried_out(server, awaited(command), awaited(commands.hgetall(HASH)))
    assert not any(isinstance(outcome, BaseException) for outcome in outcomes)
    assert trips == 2


def test_one_that_is_given_up_leaves_the_others_their_answers(server: Server) -> None:
    async def run() -> Any:
        driver = AsyncDriver(server.url)
        try:
            with together():
                first = asyncio.ensure_future(driver.execute(commands.llen(LIST)))
                second = asyncio.ensure_future(driver.execute(commands.hgetall(HASH)))
                await asyncio.sleep(0)
                first.cancel()
                return await second
        finally:
            await driver.close()

    assert asyncio.run(run()) == {}


def test_nothing_is_shared_outside(server: Server) -> None:
    async def run() -> int:
        driver = AsyncDriver(server.url)
        try:
            with together():
                pass
            with sent() as trips:
                asks: list[Coroutine[Any, Any, int]] = [driver.execute(commands.llen(LIST)) for _ in range(2)]
                await asyncio.gather(*asks)
                return len(trips)
        finally:
            await driver.close()

    assert asyncio.run(run()) == 2
