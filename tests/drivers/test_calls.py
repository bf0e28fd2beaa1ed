"""A call of other code in the middle of a plan: one body for threads and asyncio, though the code is another."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from teep.drivers.plans import Call, Late, run_plan, run_plan_async
from teep.wire import commands
from teep.wire.command import Command, Plan


class Echo:
    """A driver that answers each command with its name."""

    def execute(self, command: Command[Any]) -> Any:
        return command.args[0]


class AsyncEcho:
    async def execute(self, command: Command[Any]) -> Any:
        await asyncio.sleep(0)
        return command.args[0]


def on_threads(plan: Plan[Any]) -> Any:
    return run_plan(plan, Late(Echo))


def on_asyncio(plan: Plan[Any]) -> Any:
    return asyncio.run(run_plan_async(plan, Late(AsyncEcho)))


both = pytest.mark.parametrize(("run", "colour"), [(on_threads, "blocking"), (on_asyncio, "awaited")])


def fails() -> str:
    raise LookupError("of the call")


async def fails_awaited() -> str:
    await asyncio.sleep(0)
    raise LookupError("of the call")


@both
def test_a_call_gives_what_its_kind_returns(run: Callable[[Plan[Any]], Any], colour: str) -> None:
    async def awaited() -> str:
        await asyncio.sleep(0)
        return "awaited"

    async def plan() -> list[object]:
        return [await Call(lambda: "blocking", awaited), await commands.ping()]

    assert run(plan()) == [colour, "PING"]


@both
def test_what_a_call_raises_arises_in_the_plan(run: Callable[[Plan[Any]], Any], colour: str) -> None:
    async def plan() -> object:
        with pytest.raises(LookupError, match="of the call"):
            await Call(fails, fails_awaited)
        return await Call(fails, fails_awaited)

    with pytest.raises(LookupError, match="of the call"):
        run(plan())


def test_a_late_driver_connects_once_and_only_for_a_command() -> None:
    made: list[Echo] = []

    def connect() -> Echo:
        made.append(Echo())
        return made[-1]

    async def plan(count: int) -> None:
        await Call(list, asyncio.Event().wait)
        for _ in range(count):
            await commands.ping()

    late = Late(connect)
    run_plan(plan(0), late)
    assert not made
    run_plan(plan(2), late)
    run_plan(plan(1), late)
    assert len(made) == 1
