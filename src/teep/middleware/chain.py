"""An ordered chain of middleware.

A middleware is a callable `(job, call_next)`: it may look at and change the payload `job` (a dict), must call
`call_next()` to go on, and returns its result. Around an `async def` job a middleware may be an
`async def` too, and then awaits `call_next()`.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import CoroutineType
from typing import Any, Protocol, TypeVar

from teep.errors import ConfigurationError

R = TypeVar("R")
Middleware = Callable[[dict[str, Any], Callable[[], Any]], Any]


class Chain:
    """Middleware in the order they wrap: the first added is the outermost. Not thread-safe while it is changed.

    Args:
        check: called before each change; raises if the chain must not change.

    Raises:
        ConfigurationError: the middleware cannot be called around a job, such as a class instead of its instance; or
            a worker runs with the chain already.
    """

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.entries: tuple[Middleware, ...] = ()
        self._check = check

    def add(self, middleware: Middleware) -> None:
        """Add a middleware as the innermost. One that is there already is moved."""
        self._change((*self._without(middleware), _checked(middleware)))

    def prepend(self, middleware: Middleware) -> None:
        """Add a middleware as the outermost. One that is there already is moved."""
        self._change((_checked(middleware), *self._without(middleware)))

    def insert_before(self, other: Middleware, middleware: Middleware) -> None:
        """Add a middleware just outside of `other`, which must be there."""
        self._insert(middleware, other, 0)

    def insert_after(self, other: Middleware, middleware: Middleware) -> None:
        """Add a middleware just inside of `other`, which must be there."""
        self._insert(middleware, other, 1)

    def remove(self, middleware: Middleware) -> None:
        """Remove a middleware, if it is there."""
        self._change(self._without(middleware))

    def clear(self) -> None:
        self._change(())

    def __iter__(self) -> Iterator[Middleware]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def invoke(self, job: dict[str, Any], innermost: Callable[[], R]) -> R:
        """Run `innermost` inside the whole chain, and return the outermost middleware's result.

        Raises:
            ConfigurationError: a middleware returned a coroutine, which no code would await here.
        """
        call: Callable[[], R] = innermost
        for middleware in reversed(self.entries):
            call = partial(_plain, middleware, job, call)
        return call()

    async def ainvoke(self, job: dict[str, Any], innermost: Callable[[], Awaitable[R]]) -> R:
        """Do as `invoke` does, but await `innermost`; a middleware may be an `async def`.

        Raises:
            ConfigurationError: a middleware did not await the result of `call_next()`.
        """
        if not self.entries:
            return await innermost()
        call: Callable[[], Awaitable[R]] = partial(_as_coroutine, innermost)
        for middleware in reversed(self.entries):
            call = partial(_awaited, middleware, job, call)
        return await call()

    def _insert(self, middleware: Middleware, other: Middleware, places: int) -> None:
        rest = self._without(_checked(middleware))
        if other not in rest:
            raise ConfigurationError(f"{other!r} is not in the chain, so nothing can be put next to it")
        at = rest.index(other) + places
        self._change((*rest[:at], middleware, *rest[at:]))

    def _change(self, entries: tuple[Middleware, ...]) -> None:
        self._check()
        self.entries = entries

    def _without(self, middleware: Middleware) -> tuple[Middleware, ...]:
        return tuple(entry for entry in self.entries if entry != middleware)


class Chains(Protocol):
    """An object with both chains: a `Config`."""

    @property
    def client_middleware(self) -> Chain: ...

    @property
    def server_middleware(self) -> Chain: ...


def _checked(middleware: Middleware) -> Middleware:
    if isinstance(middleware, type):
        # Called around a job, a class would make an instance and not run the job.
        raise ConfigurationError(
            f"a middleware is called as it is, so give an instance: {middleware.__qualname__}(...)"
        )
    if not callable(middleware):
        raise ConfigurationError(f"a middleware is a callable (job, call_next), not {middleware!r}")
    return middleware


def _plain(middleware: Middleware, job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    outcome = middleware(job, call_next)
    if type(outcome) is CoroutineType:  # checked so, it runs no code of a job's result
        # Without an await the job would not run, and would count as done. It is refused here, and not at the end of
        # the chain, so that all outer middleware gets the error.
        outcome.close()
        raise ConfigurationError(
            f"a middleware around {job.get('class')!r} is an async def; around a push and around a def job every"
            " one is a plain def"
        )
    return outcome


async def _as_coroutine(innermost: Callable[[], Awaitable[Any]]) -> Any:
    """Await a job that may be any awaitable: `around` and `_awaited` recognise a coroutine only."""
    return await innermost()


async def _awaited(middleware: Middleware, job: dict[str, Any], call_next: Callable[[], Awaitable[Any]]) -> Any:
    calls: list[Awaitable[Any]] = []

    def noted() -> Awaitable[Any]:
        calls.append(call_next())
        return calls[-1]

    outcome = middleware(job, noted)
    if inspect.isawaitable(outcome):
        outcome = await outcome
    for call in calls:
        if inspect.iscoroutine(call) and inspect.getcoroutinestate(call) == inspect.CORO_CREATED:
            # As in `_plain`: the job was not run, and would count as done.
            call.close()
            raise ConfigurationError(
                f"the middleware {middleware!r} called call_next() around the async def job {job.get('class')!r}, and"
                " neither returned nor awaited its result"
            )
    return outcome
