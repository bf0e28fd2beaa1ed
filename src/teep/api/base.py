"""The base of every class of the data API: its configuration, its driver, and iteration.

Each class with I/O is written once and comes as a pair: `Queue` runs its operations on threads, `AsyncQueue` has
the same ones to await. Both derive from a shared half, `class _Queue(Api, Generic[R])`, which holds the operations
and the docstring. Iteration alone is written twice, here.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from teep.client import AsyncClient, Client
from teep.config import Config, async_driver_for, default_config, driver_for
from teep.drivers.operation import AsyncSide, SyncSide
from teep.errors import InvalidPage, InvalidType, InvalidValue
from teep.wire.command import Plan

if TYPE_CHECKING:
    from teep.drivers import AsyncDriver, Driver

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Page(NamedTuple, Generic[R]):
    """A page of a listing: its items, how many there are in all, and its number, from 1."""

    items: list[R]
    total: int
    number: int


def page_start(number: int, size: int) -> tuple[int, int]:
    """Return the number of a page, at least 1, and the position of its first item.

    Raises:
        InvalidPage: the size is less than 1.
    """
    if type(size) is not int or size < 1:
        raise InvalidPage(f"a page holds 1 item or more, not {size!r}")
    number = max(number, 1)
    return number, (number - 1) * size


class Api:
    """The base of both sides. `config` or `client` names the Redis, else the process-wide configuration does."""

    def __init__(self, *, config: Config | None = None, client: Client | AsyncClient | None = None) -> None:
        self.config = config or (client.config if client is not None else default_config())


class SyncApi(Api, SyncSide):
    """The side of a pair that blocks."""

    def _driver(self) -> "Driver":
        return driver_for(self.config)


class AsyncApi(Api, AsyncSide):
    """The side of a pair that is awaited."""

    def _driver(self) -> "AsyncDriver":
        return async_driver_for(self.config)


class Walkable(Generic[R]):
    """The base of classes that can be iterated.

    `_walk` starts a walk and returns a function. Each call of that makes the plan that reads the next items (None:
    the end).
    """

    def _walk(self) -> Callable[[], Plan[list[R] | None]]:
        raise TypeError(f"{type(self).__qualname__} cannot be iterated")


class SyncIterable(SyncApi, Walkable[R]):
    """Iteration on threads."""

    def __iter__(self) -> Iterator[R]:
        """Read the items as they are asked for, many a round trip."""
        following = self._walk()
        while (items := self._run(following())) is not None:
            yield from items


class SyncCollection(SyncIterable[R]):
    """Iteration on threads over what has a `size`."""

    def __len__(self) -> int:
        """Return its `size`, which asks Redis."""
        collection: Any = self  # `size` is an operation of each subclass
        return int(collection.size())

    def __bool__(self) -> bool:
        """Return True, also if it is empty, without asking Redis."""
        return True


class AsyncIterable(AsyncApi, Walkable[R]):
    """Iteration on asyncio."""

    async def __aiter__(self) -> AsyncIterator[R]:
        """Read the items as they are asked for, many a round trip."""
        following = self._walk()
        while (items := await self._run(following())) is not None:
            for item in items:
                yield item


def once(plan: Callable[[], Plan[list[Any]]]) -> Callable[[], Plan[list[Any] | None]]:
    """Return a walk over the items that one plan returns, all at once."""
    done = False

    async def following() -> list[Any] | None:
        nonlocal done
        if done:
            return None
        done = True
        return await plan()

    return following


def seconds_of(timeout: float | timedelta | None) -> float:
    """Return the seconds of a `timeout`; None: without end.

    Raises:
        InvalidType, InvalidValue: it is none.
    """
    if timeout is None:
        return math.inf
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidType(f"timeout must be seconds, a timedelta or None, not {timeout!r}")
    if not seconds >= 0:
        raise InvalidValue(f"timeout must be 0 or more, not {timeout!r}")
    return float(seconds)
