"""Forks, Ctrl-C and cancellation: whatever happens to the caller, no reply reaches the wrong one."""

import asyncio
import gc
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from teep.drivers import AsyncDriver, Driver
from teep.wire import commands
from teep.wire.command import Command
from teep.wire.keys import Key
from tests.drivers.conftest import AsyncRunner, Runner
from tests.support.servers import Server
from tests.support.waiting import wait_until

# What a driver reads when it is interrupted is its own matter: before each kind of server it is the same.
pytestmark = pytest.mark.one_server


def _echo(text: str) -> Command[bytes]:
    return Command("ECHO", text, read=commands.as_is)


def _in_child(work: Callable[[], bool]) -> Callable[[], bool]:
    """Start `work` in a forked child; the returned function waits for it and tells whether it succeeded."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)  # the child must not run the parent's tests or clean up its fixtures
    return lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _hears_itself(runner: Runner, name: str) -> bool:
    return all(runner.execute(_echo(f"{name}{n}")) == f"{name}{n}".encode() for n in range(300))


# From Python 3.12 on, forking while other threads run (pools and proxies of other tests) gives a warning.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_parent_and_child_share_a_driver_after_a_fork(runner: Runner, server: Server) -> None:
    assert _hears_itself(runner, "before")
    children = [_in_child(partial(_child_hears_itself, runner, f"child{n}-")) for n in range(2)]
    assert _hears_itself(runner, "parent")
    assert [child() for child in children] == [True, True]
    assert _hears_itself(runner, "after")


inherited: list[asyncio.Runner] = []


def _child_hears_itself(runner: Runner, name: str) -> bool:
    if isinstance(runner, AsyncRunner):
        # The parent's event loop is of no use here: a child starts its own.
        inherited.append(runner.loop)
        runner.loop = asyncio.Runner()
    warnings.simplefilter("ignore")  # an error raised by a finalizer's warning would keep it from its work
    heard = _hears_itself(runner, name)
    gc.collect()  # finalizers of the parent's connections, run by the child, would take them out of its event loop
    return heard


@pytest.fixture
def ctrl_c(server: Server) -> Iterator[threading.Thread]:
    """A thread that presses Ctrl-C as soon as a client is blocked in the server."""
    pressing = threading.Thread(target=_press, args=(server,))
    yield pressing
    pressing.join()


def _press(server: Server) -> None:
    wait_until(lambda: _blocked(server) == 1, 10, "the blocking command to arrive")
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _blocked(server: Server) -> int:
    return int(server.client.info("clients")["blocked_clients"])


def test_ctrl_c_in_the_middle_of_a_reply_leaves_nothing_behind(server: Server, ctrl_c: threading.Thread) -> None:
    driver = Driver(server.url)
    ctrl_c.start()
    with pytest.raises(KeyboardInterrupt):
        driver.execute(commands.blmove_tail(Key("queue"), Key("inflight"), 30))
    _assert_in_step(server, driver.execute)
    driver.close()


def test_cancellation_in_the_middle_of_a_reply_leaves_nothing_behind(server: Server) -> None:
    async def cancelled(driver: AsyncDriver) -> None:
        waiting = asyncio.create_task(driver.execute(commands.blmove_tail(Key("queue"), Key("inflight"), 30)))
        while not _blocked(server):  # noqa: ASYNC110 - the server tells by its state only
            await asyncio.sleep(0)
        # redis-py sends by asyncio.wait_for, which in Python 3.11 forgets a cancellation that comes as it ends.
        for _ in range(10):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    runner = AsyncRunner(server.url)
    runner.loop.run(cancelled(runner.driver))
    _assert_in_step(server, runner.execute)
    runner.close()


def _assert_in_step(server: Server, execute: Callable[[Command[bytes]], bytes]) -> None:
    wait_until(lambda: _blocked(server) == 0, 20, "the interrupted command to end")
    server.command("LPUSH", "queue", "job")
    assert [execute(_echo(text)) for text in "abc"] == [b"a", b"b", b"c"]
    assert server.command("LRANGE", "queue", 0, -1) == [b"job"]


def test_many_coroutines_wait_for_the_connections_there_are(server: Server) -> None:
    async def many(driver: AsyncDriver) -> list[bytes]:
        return await asyncio.gather(*(driver.execute(_echo(str(n))) for n in range(500)))

    runner = AsyncRunner(server.url)
    assert runner.loop.run(many(runner.driver)) == [str(n).encode() for n in range(500)]
    runner.close()


def test_one_asyncio_driver_serves_one_event_loop_after_another(server: Server) -> None:
    driver = AsyncDriver(server.url)

    async def once() -> bytes:
        try:
            return await driver.execute(_echo("x"))
        finally:
            await driver.close()

    assert [asyncio.run(once()) for _ in range(3)] == [b"x"] * 3


def test_many_threads_share_a_driver(server: Server) -> None:
    driver = Driver(server.url)
    heard: list[bool] = []

    def talk(name: str) -> None:
        heard.append(all(driver.execute(_echo(f"{name}{n}")) == f"{name}{n}".encode() for n in range(100)))

    threads = [threading.Thread(target=talk, args=(f"thread{n}-",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [True] * 8
    driver.close()
