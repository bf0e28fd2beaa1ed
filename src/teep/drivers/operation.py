"""One body for a class and its asyncio twin.

A method marked `@operation` is written once, as a plan. On a subclass of `SyncSide` calling it runs the plan and
returns the result; on a subclass of `AsyncSide` it returns a coroutine. Type checkers see exactly that.
Operations await commands and store plans, never each other.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from teep.wire.commands import Plan

if TYPE_CHECKING:
    from teep.drivers import AsyncDriver, Driver

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", "Driver", "AsyncDriver")


def driver_of(plan: Plan[Any], connect: Callable[[], D]) -> D:
    """Return the driver that is to run a plan; where there is none, close the plan, which nobody will run."""
    try:
        return connect()
    except BaseException:
        plan.close()  # else Python warns of a coroutine that was never awaited, on top of what is wrong
        raise


class SyncSide:
    """The side of a pair whose operations block the calling thread."""

    def _driver(self) -> "Driver":
        raise TypeError(f"{type(self).__qualname__} has no driver")

    def _run(self, plan: Plan[T]) -> T:
        return driver_of(plan, self._driver).run(plan)


class AsyncSide:
    """The side of a pair whose operations are awaited."""

    def _driver(self) -> "AsyncDriver":
        raise TypeError(f"{type(self).__qualname__} has no driver")

    def _run(self, plan: Plan[T]) -> Coroutine[Any, Any, T]:
        return driver_of(plan, self._driver).run(plan)


class operation(Generic[P, T]):  # noqa: N801 - used as a decorator, like property
    """Turns a plan-returning method into one that runs on either side of a pair."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        self._plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, owner: SyncSide, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: AsyncSide, kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> "operation[P, T]": ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        plan = self._plan

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return owner._run(plan(owner, *args, **kwargs))  # noqa: SLF001 - the pair's own protocol

        return call
