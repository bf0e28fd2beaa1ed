"""`@operation`: methods that are written once, for a class and its asyncio twin.

A method marked `@operation` is written once, as a plan. On a subclass of `SyncSide` calling it runs the plan and
returns the result; on a subclass of `AsyncSide` it is a coroutine function. Type checkers see exactly that, and so do
`help()` and `inspect`: when a public class is made, each operation becomes a method of its own there, with the plan's
name, docstring and signature. Operations await commands and store plans, never each other.
"""

from collections.abc import Callable, Coroutine
from functools import reduce, wraps
from operator import or_
from types import FunctionType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, Union, get_args, get_origin, overload

from teep.wire.command import Plan

if TYPE_CHECKING:
    from teep.drivers import AsyncDriver, Driver

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", "Driver", "AsyncDriver")

Method = Callable[..., Any]


def driver_of(plan: Plan[Any], connect: Callable[[], D]) -> D:
    """Return the driver that is to run a plan. If there is none, close the plan, as nothing will run it."""
    try:
        return connect()
    except BaseException:
        plan.close()  # else Python warns of a coroutine that was never awaited, on top of the real error
        raise


class SyncSide:
    """The side of a pair whose operations block the calling thread."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Make each operation a method that blocks."""
        super().__init_subclass__(**options)
        _finish(cls, _blocking)

    def _driver(self) -> "Driver":
        raise TypeError(f"{type(self).__qualname__} has no driver")

    def _run(self, plan: Plan[T]) -> T:
        return driver_of(plan, self._driver).run(plan)


class AsyncSide:
    """The side of a pair whose operations are awaited."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Make each operation a method to await."""
        super().__init_subclass__(**options)
        _finish(cls, _awaited)

    def _driver(self) -> "AsyncDriver":
        raise TypeError(f"{type(self).__qualname__} has no driver")

    def _run(self, plan: Plan[T]) -> Coroutine[Any, Any, T]:
        return driver_of(plan, self._driver).run(plan)


class operation(Generic[P, T]):  # noqa: N801 - used as a decorator, like property
    """Marks a plan-returning method that is to run on either side of a pair."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, owner: SyncSide, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: AsyncSide, kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, owner: None, kind: type[SyncSide]) -> Callable[Concatenate[Any, P], T]: ...
    @overload
    def __get__(
        self, owner: None, kind: type[AsyncSide]
    ) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> "operation[P, T]": ...
    def __get__(self, owner: object, kind: type) -> Any:
        """Give type checkers the types of the methods that `_finish` puts in this one's place."""
        return self


def _blocking(plan: Method) -> Method:
    @wraps(plan)
    def call(owner: SyncSide, /, *args: Any, **kwargs: Any) -> Any:
        return owner._run(plan(owner, *args, **kwargs))  # noqa: SLF001 - the pair's own protocol

    return call


def _awaited(plan: Method) -> Method:
    @wraps(plan)
    async def call(owner: AsyncSide, /, *args: Any, **kwargs: Any) -> Any:
        return await owner._run(plan(owner, *args, **kwargs))  # noqa: SLF001 - as above

    return call


def _finish(side: type, make: Callable[[Method], Method]) -> None:
    """Give a class of one side its methods, and the docstring of the half that it shares with its twin."""
    if side.__doc__ is None:
        side.__doc__ = next((base.__doc__ for base in side.__mro__ if base.__doc__ is not None), None)
    known = _type_arguments(side)
    for base in reversed(side.__mro__):
        for name, marked in list(vars(base).items()):
            if isinstance(marked, operation) and getattr(side, name) is marked:
                method: Any = make(_told(marked.plan, known))
                method.__qualname__ = f"{side.__qualname__}.{method.__name__}"
                setattr(side, name, method)


def _type_arguments(side: type) -> dict[Any, Any]:
    """Return the types that a class gives for the type variables of its bases."""
    known: dict[Any, Any] = {}
    for kind in side.__mro__:
        for base in vars(kind).get("__orig_bases__", ()):
            variables = getattr(get_origin(base), "__parameters__", ())
            for variable, given in zip(variables, get_args(base), strict=False):
                if not isinstance(given, TypeVar):
                    known.setdefault(variable, given)
    return known


def _told(plan: Any, known: dict[Any, Any]) -> Method:
    """Return a plan with a class's own types in its annotations: `JobRecord | None` for the half's `R | None`."""
    hints = {name: _concrete(hint, known) for name, hint in plan.__annotations__.items()}
    if hints == plan.__annotations__:
        return plan  # type: ignore[no-any-return]
    told = FunctionType(plan.__code__, plan.__globals__, plan.__name__, plan.__defaults__, plan.__closure__)
    told.__kwdefaults__, told.__qualname__, told.__doc__ = plan.__kwdefaults__, plan.__qualname__, plan.__doc__
    told.__annotations__ = hints
    return told


def _concrete(hint: Any, known: dict[Any, Any]) -> Any:
    """Return an annotation with its type variables replaced."""
    if isinstance(hint, TypeVar):
        return known.get(hint, hint)
    if get_origin(hint) is Union:  # shown as it is written, with `|`
        return reduce(or_, (_concrete(part, known) for part in get_args(hint)))
    parameters = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) or not parameters:
        return hint
    return hint[tuple(known.get(parameter, parameter) for parameter in parameters)]
