"""Event loops come and go: no connection, and no loop, stays behind, however a loop ends."""

import asyncio
import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
import redis

from teep.drivers import AsyncDriver
from teep.wire import commands
from teep.wire.command import Command
from tests.support.servers import Server
from tests.support.special import Sentinel, TlsServer
from tests.support.waiting import wait_until

# What becomes of a loop is the same before each kind of server.
pytestmark = pytest.mark.one_server

_LOOPS = 5

End = Callable[[Callable[[], Any]], object]


def _echo(text: str = "x") -> Command[bytes]:
    return Command("ECHO", text, read=commands.as_is)


def _closed(use: Callable[[], Any]) -> None:
    """A loop that is closed, and no more, as much older code does."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    loop.close()


def _in_a_thread(use: Callable[[], Any]) -> None:
    thread = threading.Thread(target=_closed, args=(use,))
    thread.start()
    thread.join()


def _with_others_at_work(use: Callable[[], Any]) -> None:
    async def main() -> None:
        others = [asyncio.ensure_future(use()) for _ in range(3)]
        await use()
        del others

    asyncio.run(main())


def _with_a_generator(use: Callable[[], Any]) -> None:
    async def uses_at_its_end() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await use()

    generator = uses_at_its_end()

    async def main() -> None:
        await use()
        await anext(generator)

    asyncio.run(main())


ENDS: list[Any] = [
    lambda use: asyncio.run(use()),
    anyio.run,
    _closed,
    _in_a_thread,
    _with_others_at_work,
    pytest.param(
        _with_a_generator,
        # redis-py makes asynchronous generators, too, and asyncio wants none that late.
        marks=pytest.mark.filterwarnings("ignore:asynchronous generator .* was scheduled after:ResourceWarning"),
    ),
]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without the cyclic garbage collector: what ends with its loop ends at once."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("end", ENDS, ids=["asyncio", "anyio", "closed", "thread", "tasks", "generator"])
@pytest.mark.usefixtures("no_collector")
def test_a_loop_takes_its_connections_along(server: Server, end: End) -> None:
    driver, loops = AsyncDriver(server.url), weakref.WeakSet[asyncio.AbstractEventLoop]()
    before = _connections(server)

    async def use() -> None:
        loops.add(asyncio.get_running_loop())
        assert await driver.execute(_echo()) == b"x"

    for _ in range(_LOOPS):
        end(use)
    wait_until(lambda: _connections(server) == before, 5, "the connections to be closed")
    gc.collect()
    assert not loops


# Python says so of the loop, and, in any order, so do the collected parts of a connection.
@pytest.mark.filterwarnings("ignore:.*unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_nobody_keeps_is_collected_with_its_connections(server: Server) -> None:
    driver, before = AsyncDriver(server.url), _connections(server)
    for _ in range(_LOOPS):
        asyncio.new_event_loop().run_until_complete(driver.execute(_echo()))
    gc.collect()
    wait_until(lambda: _connections(server) == before, 5, "the connections to be closed")


@pytest.mark.usefixtures("no_collector")
def test_tls_connections_end_with_a_loop_that_is_only_closed(tls_server: TlsServer) -> None:
    driver, before = AsyncDriver(tls_server.url), _connections(tls_server)
    _closed(lambda: driver.execute(_echo()))
    wait_until(lambda: _connections(tls_server) == before, 5, "the connections to be closed")
    gc.collect()  # which would warn of what was left open


@pytest.mark.parametrize("end", [asyncio.run, lambda coroutine: _closed(lambda: coroutine)], ids=["run", "closed"])
@pytest.mark.usefixtures("no_collector")
def test_connections_to_sentinels_end_too(sentinel: Sentinel, end: Callable[[Any], object]) -> None:
    driver = AsyncDriver(f"redis+sentinel://127.0.0.1:{sentinel.port}/{sentinel.service}/0")
    asked = redis.Redis(port=sentinel.port)
    before = _connections(sentinel.primary), _clients(asked)
    end(driver.execute(_echo()))
    wait_until(lambda: (_connections(sentinel.primary), _clients(asked)) == before, 5, "the connections to be closed")
    asked.close()
    gc.collect()


def test_closing_by_hand_and_going_on_piles_nothing_up(server: Server) -> None:
    driver = AsyncDriver(server.url)

    async def main() -> int:
        for _ in range(3):
            assert await driver.execute(_echo()) == b"x"
            await driver.close()
        await driver.execute(_echo())
        return _connections(server)

    before = _connections(server)
    assert asyncio.run(main()) == before + 1


# From Python 3.12 on, forking while other threads run (pools and proxies of other tests) gives a warning.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_connections_alone(server: Server) -> None:
    driver = AsyncDriver(server.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(driver.execute(_echo()))
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            del loop
            gc.collect()
            asyncio.run(driver.execute(_echo("child")))
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    # Where the child took a socket out of the epoll set, which both share, the reply would never be seen.
    assert loop.run_until_complete(asyncio.wait_for(driver.execute(_echo("parent")), 5)) == b"parent"
    loop.close()


def _connections(server: Server) -> int:
    return _clients(server.client)


def _clients(redis_: redis.Redis) -> int:
    """Return how many clients there are but for replicas and sentinels."""
    return sum(client["flags"] == "N" and not client["name"] for client in redis_.client_list())
