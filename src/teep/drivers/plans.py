"""Running a plan: each command that it awaits is carried out, and the result goes back into the plan.

A plan may also await a `Call` of code that does not talk to Redis, and that differs between threads and asyncio.
This module does not need redis-py, so a program that has pushed nothing yet does not load redis-py.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from time import sleep
from typing import Any, Protocol, TypeVar

from teep.wire.command import Command, Plan

T = TypeVar("T")


class Call(Command[T]):
    """A call of other code in the middle of a plan: `blocking` on threads, `awaited` on asyncio, which awaits it."""

    __slots__ = ("awaited", "blocking")

    def __init__(self, blocking: Callable[[], T], awaited: Callable[[], Awaitable[T]]) -> None:
        super().__init__(read=_as_it_is)
        self.blocking = blocking
        self.awaited = awaited


def pause(seconds: float) -> Call[None]:
    """Return the call that waits for so long, in a thread or on the loop."""
    return Call(partial(sleep, seconds), partial(_sleep_on_loop, seconds))


async def _sleep_on_loop(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - see teep.drivers

    await asyncio.sleep(seconds)


class Executor(Protocol):
    """Carries out commands on threads, one at a time."""

    def execute(self, command: Command[T]) -> T: ...


class AsyncExecutor(Protocol):
    """Carries out commands on asyncio, one at a time."""

    async def execute(self, command: Command[T]) -> T: ...


def run_plan(plan: Plan[T], executor: Executor) -> T:
    """Run a plan to its end, each command it awaits carried out by `executor`.

    Raises:
        TypeError: the plan awaited something that is not a command.
    """
    try:
        command = plan.send(None)
        while True:
            if not isinstance(command, Command):
                raise _not_a_command(plan, command)
            try:
                result = command.blocking() if type(command) is Call else executor.execute(command)
            except BaseException as error:  # noqa: BLE001 - the plan decides, as at any await
                command = plan.throw(error)
            else:
                command = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def run_plan_async(plan: Plan[T], executor: AsyncExecutor) -> T:
    """Run a plan to its end, as `run_plan` does, on asyncio."""
    try:
        command = plan.send(None)
        while True:
            if not isinstance(command, Command):
                raise _not_a_command(plan, command)
            try:
                result = await (command.awaited() if type(command) is Call else executor.execute(command))
            except BaseException as error:  # noqa: BLE001 - the plan decides, as at any await
                command = plan.throw(error)
            else:
                command = plan.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


class Late:
    """A driver of either kind that connects when the first command comes: a plan may need no Redis at all."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._driver: Any = None

    def execute(self, command: Command[Any]) -> Any:
        if self._driver is None:
            self._driver = self._connect()
        return self._driver.execute(command)


def _as_it_is(result: Any) -> Any:
    return result


def _not_a_command(plan: Plan[Any], awaited: object) -> TypeError:
    """Return the error for a plan that awaited something else, such as a socket or a future."""
    plan.close()
    return TypeError(f"{plan!r} awaited {awaited!r}; a plan awaits only teep's own commands")
