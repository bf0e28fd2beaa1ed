"""Both drivers behind one face, so that every case runs on either, on every server."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol, TypeVar

import pytest

from teep.drivers import AsyncDriver, Driver
from teep.drivers.together import together
from teep.wire import commands
from teep.wire.command import Command, Plan
from teep.wire.keys import Key
from tests.conftest import EVERY_KIND, emptied
from tests.support.proxy import Proxy
from tests.support.servers import Server

T = TypeVar("T")


class Runner(Protocol):
    """A driver, and where it is asynchronous, the event loop that runs it."""

    def run(self, plan: Plan[T]) -> T: ...

    def execute(self, command: Command[T]) -> T: ...

    def close(self) -> None: ...


class AsyncRunner:
    """The asyncio driver on an event loop of its own."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.Runner()
        self.driver = AsyncDriver(url)

    def run(self, plan: Plan[T]) -> T:
        return self.loop.run(self.driver.run(plan))

    def execute(self, command: Command[T]) -> T:
        return self.loop.run(self.driver.execute(command))

    def close(self) -> None:
        self.loop.run(self.driver.close())
        self.loop.close()


class InCompany(AsyncRunner):
    """The asyncio driver, each of whose commands shares its round trip with others."""

    def execute(self, command: Command[T]) -> T:
        async def side_by_side() -> T:
            with together():
                own = self.driver.execute(command)
                _, outcome, _ = await asyncio.gather(
                    self.driver.execute(commands.scard(Key("before"))),
                    own,
                    self.driver.execute(commands.hgetall(Key("behind"))),
                    return_exceptions=True,
                )
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        return self.loop.run(side_by_side())


class Connect(Protocol):
    """Makes a driver for a URL; it is closed when the test ends."""

    def __call__(self, url: str) -> Runner: ...


@pytest.fixture(params=[Driver, AsyncRunner, InCompany], ids=["sync", "asyncio", "in company"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Either driver, for a URL of the test's choice."""
    with ExitStack() as runners:

        def make(url: str) -> Runner:
            runner: Runner = request.param(url)
            runners.callback(runner.close)
            return runner

        yield make


@pytest.fixture(params=EVERY_KIND)
def server(request: pytest.FixtureRequest) -> Server:
    """An empty server of each kind."""
    return emptied(request)


@pytest.fixture
def runner(connect: Connect, server: Server) -> Runner:
    """Either driver on every server."""
    return connect(server.url)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A way to `server` that can be disturbed."""
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def disturbed(connect: Connect, proxy: Proxy) -> Runner:
    """Either driver on every server through `proxy`."""
    return connect(proxy.url)
