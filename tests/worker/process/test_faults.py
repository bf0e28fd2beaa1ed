"""Redis misbehaves in every way it can: jobs run once, counters are exact, and the log says it once each way.

Each fault comes while jobs run and more wait. The server's death is in `test_outage`, Sentinel in `test_failover`.
"""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

import teep
from teep.store import processes
from tests.conftest import ServerFactory
from tests.support.servers import Server, free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.tally import Tally, outages, recoveries, silent

pytestmark = pytest.mark.every_server

Fault = Callable[[Server], AbstractContextManager[None]]


@contextmanager
def setting(server: Server, name: str, value: int) -> Iterator[None]:
    (before,) = server.command("CONFIG", "GET", name).values()
    server.command("CONFIG", "SET", name, value)
    try:
        yield
    finally:
        server.command("CONFIG", "SET", name, before)


def out_of_memory(server: Server) -> AbstractContextManager[None]:
    return setting(server, "maxmemory", 1)


@contextmanager
def read_only(server: Server) -> Iterator[None]:
    """Make it the replica of a server that is not there."""
    server.command("REPLICAOF", "127.0.0.1", free_port())
    try:
        yield
    finally:
        server.command("REPLICAOF", "NO", "ONE")


@contextmanager
def too_many_clients(server: Server) -> Iterator[None]:
    with setting(server, "maxclients", 1):
        server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield


@contextmanager
def no_new_clients(server: Server) -> Iterator[None]:
    """End the blocked moves, and let nobody connect for another one, while all else works."""
    with setting(server, "maxclients", 1):
        for client in server.client.client_list():
            if client["cmd"] == "blmove":
                server.command("CLIENT", "KILL", "ID", client["id"])
        yield


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextmanager
def paused(server: Server) -> Iterator[None]:
    server.command("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        yield
    finally:
        server.command("CLIENT", "UNPAUSE")


@pytest.fixture
def one_fleet(valkey: Server) -> Iterator[Fleet]:
    """A fleet for what is alike on both servers."""
    valkey.flushall()
    with Fleet(valkey) as fleet:
        yield fleet


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "teep")


def hold(seconds: float) -> None:
    """Let a fault last."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + SOON, "the time to pass")


def under_way(fleet: Fleet, count: int, seconds: float, **options: Any) -> Tally:
    """Return a tally of which the first jobs are running."""
    tally = Tally()
    tally.push(fleet, count, seconds)
    fleet.start(silent(fleet, concurrency=5, heartbeat_interval=0.2, **options))
    wait_until(lambda: tally.runs.total() >= 10 and tally.running == 5, SOON, "the slots to be full")
    return tally


def check_afterwards(fleet: Fleet, tally: Tally, count: int, caplog: pytest.LogCaptureFixture) -> None:
    """Compare every trace of the jobs, and see a further one run soon."""
    tally.check(fleet, count)
    wait_until(lambda: recoveries(caplog), SOON, "the recovery to be logged")
    fleet.client.enqueue(tally.jobs[0], count, 0.0)
    tally.wait_for_runs(count + 1)
    assert (len(outages(caplog)), len(recoveries(caplog))) == (1, 1)


@pytest.mark.slow("it must have been refused several times, with a pause between")
@pytest.mark.parametrize("fault", [read_only, too_many_clients])
def test_a_server_that_refuses_is_waited_out(
    one_fleet: Fleet, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    tally = under_way(one_fleet, 45, 0.1)
    with fault(one_fleet.server):
        wait_until(lambda: outages(caplog), SOON, "the refusals to be logged")
        wait_until(lambda: not tally.running, SOON, "the running jobs to end")
    check_afterwards(one_fleet, tally, 45, caplog)


@pytest.mark.slow("it must have been refused several times, with a pause between")
@pytest.mark.parametrize("fault", [read_only, no_new_clients])
def test_an_idle_worker_says_once_that_it_is_refused(
    one_fleet: Fleet, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally()
    one_fleet.start(silent(one_fleet, concurrency=2, heartbeat_interval=0.2))
    wait_until(lambda: one_fleet.server.client.info("clients")["blocked_clients"] >= 2, SOON, "it to wait for jobs")
    with fault(one_fleet.server):
        wait_until(lambda: outages(caplog), SOON, "the refusals to be logged")
        hold(1.5)  # several tries of everything: what succeeds in between must not make the log flap
    check_afterwards(one_fleet, tally, 0, caplog)


@pytest.mark.parametrize("fault", [stopped, paused])
def test_a_stall_of_a_second_is_no_outage(one_fleet: Fleet, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    tally = under_way(one_fleet, 90, 0.02)
    with fault(one_fleet.server):
        hold(1.0)
    tally.check(one_fleet, 90)
    assert not outages(caplog)


@pytest.mark.slow("the fault lasts longer than a heartbeat lives")
def test_a_full_server_is_worked_empty(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fault lasts long enough that the process would have expired, and its jobs run twice, were it not prolonged.
    monkeypatch.setattr(processes, "HEARTBEAT_EXPIRY", 2)
    tally = under_way(fleet, 30, 0.05, average_scheduled_poll_interval=0.2)
    jid = fleet.client.enqueue_in(1.0, tally.jobs[0], 30, 1.2)
    assert jid is not None
    with out_of_memory(fleet.server):
        wait_until(lambda: fleet.counters()[0] == 30, SOON, "what was queued to be run")
        wait_until(lambda: tally.running == 1, SOON, "what was scheduled to be run")
        wait_until(lambda: tally.runs[30], SOON, "it to end")
        (identity,) = fleet.server.command("SMEMBERS", "processes")
        assert fleet.server.command("EXISTS", identity)
        with pytest.raises(teep.errors.RedisOutOfMemory):
            fleet.client.enqueue(tally.jobs[0], 0, 0.0)
    tally.check(fleet, 31)
    fleet.client.enqueue(tally.jobs[0], 31, 0.0)
    tally.wait_for_runs(32)
    wait_until(lambda: recoveries(caplog), SOON, "the recovery to be logged")
    assert [message.partition(":")[0] for message in caplog.messages if "out of memory" in message] == [
        "Redis is out of memory"
    ]
    assert len(recoveries(caplog)) == 1


@pytest.mark.slow("the server takes two seconds to load")
def test_a_server_that_loads_its_data_for_long_is_waited_out(
    fresh_server: ServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    # It sleeps before each key that it loads; a hundred of them make two seconds of LOADING.
    slowly = ("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
    server = fresh_server(append_only=True, options=slowly)
    for number in range(100):
        server.command("SET", f"filler:{number}", os.urandom(2048))  # not to be compressed
    with Fleet(server) as fleet:
        tally = under_way(fleet, 60, 0.1)
        server.command("BGREWRITEAOF")
        wait_until(
            lambda: not server.client.info("persistence")["aof_rewrite_in_progress"], SOON, "the file to be rewritten"
        )
        server.kill()
        server.start()
        check_afterwards(fleet, tally, 60, caplog)


@pytest.mark.slow("a worker is without its Redis until it asks for the name anew")
def test_a_name_that_moves_to_another_host_is_followed(
    fresh_server: ServerFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fresh_server(options=("--repl-diskless-sync-delay", "0"))
    second = fresh_server(options=("--bind", "127.0.0.2", "--port", str(first.port)))
    second.command("REPLICAOF", "127.0.0.1", first.port)
    address = ["127.0.0.1"]
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        return look_up(address[0] if host == "redis.test" else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with Fleet(first) as before:
        url = f"redis://redis.test:{first.port}/0"
        tally = under_way(before, 60, 0.1, redis_url=url)
        before.client = teep.Client(before.configure(redis_url=url))
        with paused(first):
            wait_until(lambda: in_step(first, second), SOON, "the replica to have all")
            second.command("REPLICAOF", "NO", "ONE")
            address[0] = "127.0.0.2"
            first.kill()
            monkeypatch.setattr(first, "command", lambda *_: None)  # there is nothing to unpause any more
        after = Fleet(second)
        after.client = before.client
        # Where the next server is there at once, trying again bridges the gap, and there is no outage to speak of.
        tally.check(after, 60)
        after.client.enqueue(tally.jobs[0], 60, 0.0)
        tally.wait_for_runs(61)
    assert len(outages(caplog)) <= 1


def in_step(primary: Server, replica: Server) -> bool:
    return bool(primary.command("ROLE")[1] == replica.command("ROLE")[4])
