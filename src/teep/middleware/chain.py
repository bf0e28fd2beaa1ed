"""An ordered chain of middleware.

A middleware is a callable `(job, call_next)`: it may look at and change the payload `job` (a dict), must call
`call_next()` to go on, and returns what that returned. Around an `async def` job a middleware may be an
`async def` too, and then awaits `call_next()`.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from teep.errors import ConfigurationError

R = TypeVar("R")
Middleware = Callable[[dict[str, Any], Callable[[], Any]], Any]


class Chain:
    """Middleware in the order they wrap: the first added is the outermost. Not thread-safe while it is changed."""

    def __init__(self) -> None:
        self.entries: tuple[Middleware, ...] = ()

    def add(self, middleware: Middleware) -> None:
        """Add the innermost. Adding one that is there moves it."""
        self.entries = (*self._without(middleware), middleware)

    def prepend(self, middleware: Middleware) -> None:
        """Add the outermost."""
        self.entries = (middleware, *self._without(middleware))

    def insert_before(self, other: Middleware, middleware: Middleware) -> None:
        """Add just outside of `other`, which must be there."""
        rest = self._without(middleware)
        at = self._position(other, rest)
        self.entries = (*rest[:at], middleware, *rest[at:])

    def insert_after(self, other: Middleware, middleware: Middleware) -> None:
        """Add just inside of `other`, which must be there."""
        rest = self._without(middleware)
        at = self._position(other, rest) + 1
        self.entries = (*rest[:at], middleware, *rest[at:])

    def remove(self, middleware: Middleware) -> None:
        """Take one out; nothing happens where it is not there."""
        self.entries = self._without(middleware)

    def clear(self) -> None:
        self.entries = ()

    def __iter__(self) -> Iterator[Middleware]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def invoke(self, job: dict[str, Any], innermost: Callable[[], R]) -> R:
        """Run `innermost` inside the whole chain and return what the outermost returns."""
        call: Callable[[], R] = innermost
        for middleware in reversed(self.entries):
            call = partial(middleware, job, call)
        return call()

    async def ainvoke(self, job: dict[str, Any], innermost: Callable[[], Awaitable[R]]) -> R:
        """As `invoke`, where the innermost is awaited and any middleware may be an `async def`."""
        call: Callable[[], Awaitable[R]] = innermost
        for middleware in reversed(self.entries):
            call = partial(_awaited, middleware, job, call)
        return await call()

    def _without(self, middleware: Middleware) -> tuple[Middleware, ...]:
        return tuple(entry for entry in self.entries if entry != middleware)

    def _position(self, other: Middleware, entries: tuple[Middleware, ...]) -> int:
        if other not in entries:
            raise ConfigurationError(f"{other!r} is not in the chain, so nothing can be put next to it")
        return entries.index(other)


async def _awaited(middleware: Middleware, job: dict[str, Any], call_next: Callable[[], Awaitable[Any]]) -> Any:
    outcome = middleware(job, call_next)
    return await outcome if inspect.isawaitable(outcome) else outcome
