"""Commands that are awaited side by side, in one round trip.

A page reads a dozen things that do not depend on each other. Within `together()` the reads that are begun at the same
moment on asyncio, such as by `asyncio.gather`, go to Redis in one write. Redis would carry them out one after the
other anyway. Each has its own result, and its own error.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, Protocol, TypeVar

from teep.drivers.answers import raise_ours
from teep.drivers.request import Args, Request
from teep.wire.command import Command, MultiExec

T = TypeVar("T")


class Settles(Protocol):
    """A driver, which brings requests to their end, or returns the error that broke the connection."""

    @property
    def url(self) -> str: ...

    async def settle(self, talk: "Joint") -> Exception | None: ...


class Joint:
    """Requests with one way to the server and back. All are harmless to repeat; each settles by itself."""

    block = 0.0

    def __init__(self) -> None:
        self._open: list[Request[Any]] = []
        self._sent: list[int] = []

    def add(self, request: Request[Any]) -> None:
        """Take one more along. Nothing may have been sent yet."""
        self._open.append(request)

    def to_send(self) -> list[Args]:
        """Return what to send now of those that are not settled."""
        sends = [request.to_send() for request in self._open]
        self._sent = [len(some) for some in sends]
        return [args for some in sends for args in some]

    def receive(self, replies: list[Any]) -> bool:
        """Give each request its replies. True if all are settled."""
        coming = iter(replies)
        told = [(request, list(islice(coming, count))) for request, count in zip(self._open, self._sent, strict=True)]
        self._open = [request for request, some in told if not request.receive(some)]
        return not self._open

    def wait_after_refusal(self) -> float | None:
        """Return the seconds to wait before the rest is sent again; None if it is time to give up."""
        return _longest([request.wait_after_refusal() for request in self._open])

    def wait_after_loss(self, error: Exception) -> float | None:
        """Return the seconds to wait before connecting again; None if that would not help."""
        return _longest([request.wait_after_loss(error) for request in self._open])


class Together:
    """Gathers the commands of one context, as they come."""

    def __init__(self) -> None:
        self._trips: dict[Settles, _Trip] = {}

    async def execute(self, driver: Settles, command: Command[T]) -> T:
        """Carry out a command with those that are begun at the same moment."""
        request = Request(command)
        trip = self._trips.get(driver)
        if trip is None:
            trip = self._trips[driver] = _Trip()
            trip.task = asyncio.get_running_loop().create_task(self._carry_out(driver, trip.joint))
        trip.joint.add(request)
        # One that is cancelled leaves the others their way.
        error = await asyncio.shield(trip.task)
        if error is not None:
            raise_ours(error, driver.url)
        return request.result()

    async def _carry_out(self, driver: Settles, joint: Joint) -> Exception | None:
        # What is begun by what is begun now comes along, too: as deep as pages gather.
        for _ in range(3):
            await asyncio.sleep(0)
        del self._trips[driver]
        return await driver.settle(joint)


class _Trip:
    """A round trip that has not begun yet."""

    task: "asyncio.Task[Exception | None]"

    def __init__(self) -> None:
        self.joint = Joint()


_current: ContextVar[Together | None] = ContextVar("together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Let the reads that are begun side by side in here, on asyncio, share round trips."""
    token = _current.set(Together())
    try:
        yield
    finally:
        _current.reset(token)


def joined(command: Command[Any]) -> Together | None:
    """Return what gathers this command with others; None if it goes alone, as it waits or must not be repeated."""
    if command.block or not command.idempotent or isinstance(command, MultiExec):
        return None
    return _current.get()


def _longest(pauses: list[float | None]) -> float | None:
    return max((pause for pause in pauses if pause is not None), default=None)
