"""`Waiter`: several blocking commands at once, and nothing lost among them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from teep.drivers import Driver, Waiter
from teep.drivers.connections import pools
from teep.errors import RedisCommandError, RedisError, RedisTimedOut, RedisUnavailable
from teep.wire import commands
from teep.wire.command import Command
from teep.wire.keys import Key
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.special import TlsServer
from tests.support.waiting import wait_until

QUEUES = ("a", "b", "c")


@pytest.fixture
def driver(server: Server) -> Iterator[Driver]:
    driver = Driver(server.url)
    yield driver
    driver.close()


@pytest.fixture
def waiter(driver: Driver) -> Iterator[Waiter]:
    waiter = Waiter(driver)
    yield waiter
    waiter.close()


def _moves(seconds: int = 30, queues: tuple[str, ...] = QUEUES) -> list[Command[bytes | None]]:
    return [commands.blmove_tail(Key(queue), Key(f"{queue}:inflight"), seconds) for queue in queues]


def _blocked(server: Server) -> int:
    return int(server.client.info("clients")["blocked_clients"])


def _await_blocked(server: Server, count: int) -> None:
    wait_until(lambda: _blocked(server) == count, 10, f"{count} blocked clients")


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """A thread beside the one that waits."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.mark.parametrize("index", range(len(QUEUES)))
def test_the_first_answer_ends_the_wait(
    waiter: Waiter, server: Server, aside: ThreadPoolExecutor, index: int
) -> None:
    def push() -> None:
        _await_blocked(server, len(QUEUES))
        server.command("LPUSH", QUEUES[index], "job")

    pushed = aside.submit(push)
    assert waiter.wait(_moves()) == [(index, b"job")]
    pushed.result()
    assert _blocked(server) == 0
    assert server.command("LRANGE", f"{QUEUES[index]}:inflight", 0, -1) == [b"job"]


def test_what_is_there_already_is_taken_at_once(waiter: Waiter, server: Server) -> None:
    server.command("LPUSH", "b", "2", "1")
    assert waiter.wait(_moves()) == [(1, b"2")]
    assert waiter.wait(_moves()) == [(1, b"1")]


def test_the_wait_ends_by_itself(waiter: Waiter, server: Server) -> None:
    assert waiter.wait(_moves(seconds=1)) == []
    assert _blocked(server) == 0


def test_waking_before_the_wait_ends_it(waiter: Waiter, server: Server) -> None:
    waiter.wake()
    waiter.wake()
    started = time.monotonic()
    assert waiter.wait(_moves()) == []
    assert time.monotonic() - started < 5
    server.command("LPUSH", "a", "job")
    assert waiter.wait(_moves()) == [(0, b"job")]


def test_waking_from_another_thread_ends_it(waiter: Waiter, server: Server, aside: ThreadPoolExecutor) -> None:
    def wake() -> None:
        _await_blocked(server, len(QUEUES))
        waiter.wake()

    woken = aside.submit(wake)
    assert waiter.wait(_moves()) == []
    woken.result()
    assert _blocked(server) == 0


def test_any_number_of_wakes_is_one(waiter: Waiter, server: Server) -> None:
    for _ in range(100_000):
        waiter.wake()
    server.command("LPUSH", "a", "job")
    taken = waiter.wait(_moves()) or waiter.wait(_moves())
    assert taken == [(0, b"job")]


def test_nothing_is_lost_when_jobs_come_while_others_are_unblocked(waiter: Waiter, server: Server) -> None:
    rounds = 500
    taken: list[bytes] = []
    left = threading.Semaphore(0)

    def push() -> None:
        for n in range(rounds):
            # All queues get a job in one go, so that one answer always races with the unblocking of the others.
            with server.client.pipeline(transaction=False) as pipe:
                for queue in QUEUES:
                    pipe.lpush(queue, f"{queue}{n}")
                pipe.execute()
            left.acquire()

    with ThreadPoolExecutor(1) as executor:
        pushing = executor.submit(push)
        while len(taken) < rounds * len(QUEUES):
            before = len(taken)
            for index, raw in waiter.wait(_moves()):
                assert raw.startswith(QUEUES[index].encode())
                taken.append(raw)
            for _ in range(len(taken) // len(QUEUES) - before // len(QUEUES)):
                left.release()
        pushing.result()
    assert sorted(taken) == sorted(f"{queue}{n}".encode() for queue in QUEUES for n in range(rounds))
    held = [raw for queue in QUEUES for raw in server.command("LRANGE", f"{queue}:inflight", 0, -1)]
    assert sorted(held) == sorted(taken)


def test_a_connection_killed_in_the_wait_is_told_and_the_next_wait_works(
    waiter: Waiter, server: Server, aside: ThreadPoolExecutor
) -> None:
    def kill() -> None:
        _await_blocked(server, len(QUEUES))
        server.command("CLIENT", "KILL", "TYPE", "normal")

    killed = aside.submit(kill)
    with pytest.raises(RedisUnavailable):
        waiter.wait(_moves())
    killed.result()
    server.command("LPUSH", "a", "job")
    assert waiter.wait(_moves()) == [(0, b"job")]


def test_a_server_that_forgets_to_end_the_wait_times_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ANSWER_SECONDS", 0.5)
    with Proxy(server.port) as proxy:
        driver = Driver(proxy.url)
        waiter = Waiter(driver)
        proxy.withhold_answer(b"BLMOVE")
        with pytest.raises(RedisTimedOut, match="did not end a blocking command of 1 s"):
            waiter.wait(_moves(seconds=1, queues=("a",)))
        server.command("LPUSH", "a", "job")
        assert waiter.wait(_moves(queues=("a",))) == [(0, b"job")]
        waiter.close()
        driver.close()


def test_an_error_reply_is_raised_and_the_rest_unblocked(waiter: Waiter, server: Server) -> None:
    server.command("SET", "b", "no list")
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        waiter.wait(_moves())
    _await_blocked(server, 0)
    server.command("DEL", "b")
    server.command("LPUSH", "b", "job")
    assert waiter.wait(_moves()) == [(1, b"job")]


def test_the_number_of_commands_may_change(waiter: Waiter, server: Server) -> None:
    for count in (1, 3, 2, 3):
        server.command("LPUSH", QUEUES[count - 1], "job")
        assert waiter.wait(_moves(queues=QUEUES[:count])) == [(count - 1, b"job")]


def test_a_server_that_cannot_be_reached_is_told(driver: Driver) -> None:
    unreachable = Driver("redis://127.0.0.1:1/0")
    with pytest.raises(RedisUnavailable):
        Waiter(unreachable).wait(_moves())
    unreachable.close()


def test_over_tls(tls_server: TlsServer) -> None:
    driver = Driver(tls_server.url)
    waiter = Waiter(driver)
    tls_server.command("LPUSH", "b", "job")
    assert waiter.wait(_moves()) == [(1, b"job")]
    waiter.wake()
    assert waiter.wait(_moves()) == []
    waiter.close()
    driver.close()


def test_waits_that_are_refused_leave_no_connection_behind(server: Server) -> None:
    with Proxy(server.port) as proxy:
        driver = Driver(proxy.url)
        waiter = Waiter(driver)
        proxy.refuse(b"CLIENT\r\n$2\r\nID", "LOADING Redis is loading the dataset in memory", times=20)
        for _ in range(20):
            with pytest.raises(RedisError):
                waiter.wait(_moves())
        assert sum(count for count, _ in driver._pool.get_connection_count()) <= len(QUEUES)
        driver.close()


class _Denied:
    """A server with a user who may do all but some commands."""

    def __init__(self, server: Server, *rules: str) -> None:
        server.command("ACL", "SETUSER", "denied", "reset", "on", ">pw", "~*", "&*", "+@all", *rules)
        self.url = f"redis://denied:pw@127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("rules", [("-@dangerous",), ("-@admin",), ("-@connection", "+auth"), ("-client",)])
def test_a_user_who_may_not_unblock_waits_all_the_same(
    server: Server, aside: ThreadPoolExecutor, rules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.drivers.waiter._ALONE", 0.1)
    driver = Driver(_Denied(server, *rules).url)
    waiter = Waiter(driver)
    try:

        def push() -> None:
            _await_blocked(server, len(QUEUES))
            server.command("LPUSH", "b", "job")

        pushed = aside.submit(push)
        taken: list[tuple[int, bytes]] = []
        while not taken:
            taken = waiter.wait(_moves())
        pushed.result()
        assert taken == [(1, b"job")]
        began = time.monotonic()
        waiter.wake()
        assert waiter.wait(_moves(queues=("a",))) == []
        assert time.monotonic() - began < 5, "a wake ended nothing"
        assert _blocked(server) == 0
    finally:
        waiter.close()
        driver.close()
