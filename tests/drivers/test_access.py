"""The ways to a server: users, TLS, unix sockets, Sentinel; and URLs that cannot work."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from teep.drivers import Driver
from teep.drivers.connections import pools
from teep.errors import ConfigurationError, RedisCommandError, RedisRefused, RedisUnavailable
from teep.wire import commands
from teep.wire.command import Command
from teep.wire.keys import Key
from tests.drivers.conftest import Connect
from tests.support.servers import Server, free_port
from tests.support.special import AclServer, Sentinel, TlsServer
from tests.support.waiting import wait_until


def test_unix_socket(connect: Connect, server: Server) -> None:
    assert connect(server.unix_url).execute(commands.lpush(Key("list"), b"x")) == 1


def test_a_user_with_a_password(connect: Connect, acl_server: AclServer) -> None:
    for url in (acl_server.url, acl_server.unix_url):
        assert connect(url).execute(Command("ACL", "WHOAMI", read=commands.as_is)) == b"teep"


@pytest.mark.parametrize("credentials", ["", "teep:gu3ss@", ":gu3ss@"])
def test_a_stranger_is_told_at_once_and_no_password_shown(
    connect: Connect, acl_server: AclServer, credentials: str
) -> None:
    stranger = connect(f"redis://{credentials}127.0.0.1:{acl_server.port}/0")
    before = _connections(acl_server)
    with pytest.raises(RedisCommandError, match="user name or password") as caught:
        stranger.execute(commands.pipeline(commands.llen(Key("a")), commands.llen(Key("b"))))
    assert _connections(acl_server) == before + 1, "it was tried again, which takes seconds"
    assert "gu3ss" not in f"{caught.value} {caught.value.__cause__}"


def test_a_user_who_may_not_is_told_so(connect: Connect, acl_server: AclServer) -> None:
    acl_server.command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read", "+@connection")
    reader = connect(f"redis://reader:pw@127.0.0.1:{acl_server.port}/0")
    with pytest.raises(RedisCommandError, match="permission"):
        reader.execute(commands.lpush(Key("list"), b"x"))
    assert reader.execute(commands.llen(Key("list"))) == 0


def test_tls(connect: Connect, tls_server: TlsServer) -> None:
    assert connect(tls_server.url).execute(commands.llen(Key("list"))) == 0


def test_an_unknown_authority_is_not_trusted(connect: Connect, tls_server: TlsServer) -> None:
    with pytest.raises(RedisUnavailable, match=r"(?i)certificate"):
        connect(f"rediss://127.0.0.1:{tls_server.port}/0").execute(commands.ping())


def test_sentinel_leads_to_the_primary(connect: Connect, sentinel: Sentinel) -> None:
    assert connect(_url(sentinel)).execute(commands.lpush(Key("list"), b"x")) == 1
    assert sentinel.primary.command("LLEN", "list") == 1


@pytest.mark.slow("a Sentinel makes another server the primary")
def test_a_push_follows_the_primary(connect: Connect, sentinel: Sentinel) -> None:
    runner = connect(_url(sentinel))
    runner.execute(commands.lpush(Key("list"), b"x"))
    new = sentinel.failover()
    # The old primary lives on, and answers the push on the pooled connection with READONLY.
    assert runner.execute(commands.lpush(Key("list"), b"y")) == 2
    assert new.command("LRANGE", "list", 0, -1) == [b"y", b"x"]


@pytest.mark.slow("a Sentinel makes another server the primary")
def test_a_push_in_a_pipeline_follows_the_primary(connect: Connect, sentinel: Sentinel) -> None:
    runner = connect(_url(sentinel))
    runner.execute(commands.ping())
    sentinel.failover()
    assert runner.execute(
        commands.pipeline(commands.sadd(Key("queues"), "q"), commands.lpush(Key("list"), b"y"))
    ) == (1, 1)


def test_what_was_pushed_before_a_demotion_is_not_pushed_again(connect: Connect, sentinel: Sentinel) -> None:
    runner, primary = connect(_url(sentinel)), sentinel.primary
    demote: Command[bytes] = Command("REPLICAOF", "127.0.0.1", free_port(), read=commands.as_is)
    pushes: list[Command[Any]] = [commands.lpush(Key("a"), b"x"), demote, commands.lpush(Key("b"), b"y")]
    with pytest.raises(RedisRefused):
        runner.execute(commands.pipeline_of(pushes))
    assert (primary.command("LLEN", "a"), primary.command("LLEN", "b")) == (1, 0)


def test_dead_sentinels_are_told_in_time(connect: Connect) -> None:
    started = time.monotonic()
    with pytest.raises(RedisUnavailable):
        connect(f"redis+sentinel://127.0.0.1:{free_port()}/teep-primary/0").execute(commands.ping())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://user:p%40ss@localhost:6379/3?socket_timeout=1.5",
        "rediss://localhost:6380/0?ssl_ca_certs=/etc/ca.crt",
        "unix:///run/redis.sock?db=2",
        "redis+sentinel://one,two:26380/primary/2?sentinel_password=x",
        "rediss+sentinel://user:p%40ss@one/primary",
    ],
)
def test_urls_that_can_work(url: str) -> None:
    pools.check_url(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost", "must begin with one of redis://, .*, not 'http'"),
        ("localhost:6379", "must begin with"),
        ("redis://localhost:port", "cannot be read"),
        ("redis://localhost:99999", "cannot be read"),
        ("redis://localhost?socket_timeout=soon", "cannot be read"),
        ("redis://localhost?no_such_option=1", "cannot be read"),
        ("redis://user:s3cret#1@localhost", "percent-encoded"),
        ("redis://user:s3cret/1@localhost", "percent-encoded"),
        ("redis+sentinel://localhost", "names its service"),
        ("redis+sentinel:///primary", "names its hosts"),
        ("redis+sentinel://localhost/primary/zero", "cannot be read"),
        ("redis+sentinel://user:s3cret/1@localhost/primary", "cannot be read"),
        ("redis+sentinel://localhost/primary?no_such_option=1", "cannot be read"),
    ],
)
def test_urls_that_cannot(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        pools.check_url(url)
    assert "s3cret" not in str(caught.value)
    # A traceback shows the cause's text as well.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def _connections(server: Server) -> int:
    return int(server.client.info("stats")["total_connections_received"])


def _url(sentinel: Sentinel) -> str:
    return f"redis+sentinel://{sentinel.host}:{sentinel.port}/{sentinel.service}/0"


def test_any_number_of_threads_has_a_connection_each(server: Server) -> None:
    driver = Driver(server.url)
    with ThreadPoolExecutor(120) as threads:
        waits = [
            threads.submit(driver.execute, commands.blmove_tail(Key("queue"), Key("inflight"), 30))
            for _ in range(120)
        ]
        wait_until(lambda: server.client.info("clients")["blocked_clients"] == 120, 20, "all to be blocked")
        server.command("LPUSH", "queue", *range(120))
        assert {wait.result(20) for wait in waits} == {b"%d" % number for number in range(120)}
    driver.close()
