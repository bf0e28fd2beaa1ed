"""How a signature says that an argument comes from the worker."""

from collections.abc import Callable
from typing import Any, NoReturn

from teep.errors import InvalidJob, NotHere


class Dependency:
    """An argument that is what `factory` returns or yields."""

    __slots__ = ("factory",)

    def __init__(self, factory: Callable[..., Any]) -> None:
        self.factory = factory

    def __repr__(self) -> str:
        return f"Depends({getattr(self.factory, '__qualname__', self.factory)})"


class Injected:
    """The default of an argument that a run gives. Used as if it were the value, it says how to give one."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # for copies, pickles and the like, which look what an object can
            raise AttributeError(name)
        raise NotHere(
            "this argument is injected, and a direct call of a job injects nothing: give it, as in ship(42, db=fake),"
            f" or call the job's perform_inline (it was asked for {name!r})"
        )

    def __repr__(self) -> str:
        return "teep.injected"


injected: Any = Injected()
"""The default of an argument whose annotation has a `Depends`: to type checkers the argument may be left out."""


def Depends(factory: Callable[..., Any], /) -> Any:  # noqa: N802 - named as in FastAPI, where users know it from
    """Mark an argument of a job that the worker gives at each run: the value that `factory` returns or yields.

    It stands as a default, or in an annotation: `db: Annotated[Session, teep.Depends(session)] = teep.injected`.
    The argument is never pushed, and no push can give it.

    A factory is a function, an `async def` one, a generator function of either kind with one `yield`, or a class. It
    is called at most once a run, just before the job; its own arguments may be marked likewise. The code behind its
    `yield` runs after the job, with the job's exception raised at the `yield` if it failed; that exception stays the
    job's even if the factory catches it. An `async def` factory needs an `async def` job.

    Costs nothing for jobs without it. FastAPI's `Depends`, without the parts about requests.

    Raises:
        InvalidJob: `factory` cannot be called.
    """
    if not callable(factory):
        raise InvalidJob(f"Depends takes a function that makes the value, not {factory!r}")
    return Dependency(factory)
