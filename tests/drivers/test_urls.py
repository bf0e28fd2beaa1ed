"""What a Redis URL may say: each option works with both drivers or is refused by its name; no password is shown."""

import inspect
import ssl
import subprocess
import sys
from contextlib import ExitStack
from urllib.parse import quote

import pytest
import redis
import redis.asyncio
from redis.connection import URL_QUERY_ARGUMENT_PARSERS

from teep.drivers.connections import pools, urls
from teep.errors import (
    ConfigurationError,
    RedisCommandError,
    RedisDenied,
    RedisMisconfigured,
    RedisRefused,
    RedisUnavailable,
)
from teep.wire import commands
from teep.wire.keys import Key
from tests.conftest import ServerFactory
from tests.drivers.conftest import Connect, Runner
from tests.support.proxy import Proxy
from tests.support.servers import Server, free_port
from tests.support.special import AclServer, Sentinel, TlsServer

NO_REDIS = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    print(flush=True)
    while True:
        visitor, _ = listener.accept()
        visitor.recv(99)
        visitor.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")
"""

WORK = [
    "protocol=2",
    "protocol=3",
    "decode_responses=true",
    "legacy_responses=false",
    "encoding=latin-1&encoding_errors=ignore",
    "client_name=shop",
    "db=3",
    "socket_timeout=0.5",
    "socket_connect_timeout=1",
    "socket_keepalive=no",
    "socket_read_size=16",
    "health_check_interval=1",
    "protocol=3&decode_responses=yes&client_name=shop&health_check_interval=1",
]


@pytest.mark.parametrize("options", WORK)
def test_an_option_works_with_both_drivers(connect: Connect, valkey: Server, options: str) -> None:
    runner = connect(f"{valkey.url}?{options}")
    runner.execute(commands.hset(Key("hash"), {"ü": "1"}))
    assert runner.execute(commands.hgetall(Key("hash"))) == {"ü": b"1"}
    assert runner.execute(commands.zadd(Key("set"), (1.5, b"x"))) >= 0
    assert runner.execute(commands.zpopmin(Key("set"))) == [(b"x", 1.5)]


def test_a_timeout_for_answers_does_not_end_what_blocks(connect: Connect, valkey: Server) -> None:
    runner = connect(f"{valkey.url}?socket_timeout=0.2")
    assert runner.execute(commands.blmove_tail(Key("no queue"), Key("inflight"), 1)) is None


def test_a_sentinel_url_has_the_same_options(connect: Connect, sentinel: Sentinel) -> None:
    place = f"{sentinel.host}:{sentinel.port}/{sentinel.service}"
    runner = connect(f"redis+sentinel://{place}?socket_timeout=2&protocol=3&client_name=shop&db=1")
    assert runner.execute(commands.lpush(Key("list"), b"x")) == 1


REFUSED = [
    "retry_on_timeout=true",
    "retry_on_error=x",
    "max_connections=2",
    "single_connection_client=true",
    "timeout=3",
    "host=elsewhere",
    "port=1",
    "path=/x",
    "lib_name=x",
    "protocol=4",
    "protocol=",
    "decode_responses=maybe",
    "client_name=a%20b",
    "db=-1",
    "db=",
    "socket_timeout=0",
    "socket_timeout=nan",
    "socket_timeout=inf",
    "socket_timeout=soon",
    "socket_connect_timeout=-1",
    "socket_read_size=0",
    "health_check_interval=1.5",
    "ssl_ca_certs=x",
    "ssl_validate_ocsp=true",
    "parser_class=x",
    "credential_provider=x",
    "redis_connect_func=x",
    "connection_class=x",
    "no_such=1",
]


@pytest.mark.parametrize("options", REFUSED)
@pytest.mark.parametrize("place", ["redis://localhost", "redis+sentinel://localhost/primary"])
def test_what_cannot_work_is_refused_by_name(place: str, options: str) -> None:
    name, _, _ = options.partition("=")
    with pytest.raises(ConfigurationError, match=rf"the Redis URL cannot be read: .*\b{name}\b"):
        pools.check_url(f"{place}?{options}")


def test_no_option_of_redis_py_is_undecided() -> None:
    kinds = (redis.Connection, redis.SSLConnection, redis.UnixDomainSocketConnection, redis.BlockingConnectionPool)
    known = {
        name
        for kind in kinds
        for parent in kind.__mro__
        for name in inspect.signature(vars(parent).get("__init__", parent)).parameters
    }
    for name in (known | set(URL_QUERY_ARGUMENT_PARSERS)) - {"self", "args", "kwargs", "connection_kwargs"}:
        try:
            urls.parse(f"rediss://localhost?{name}=1")
        except ConfigurationError as error:
            assert name in str(error)  # noqa: PT017 - either way is fine, but a silent one


@pytest.mark.parametrize("path", ["abc", "1/2", "1x", "-1", "%31%32x", "1.5", "٣", "0?db=x", "99999999999"])
def test_a_database_is_a_number(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"database must be a number|option db must be a number"):
        pools.check_url(f"redis://localhost:6379/{path}")


@pytest.mark.parametrize(
    "url",
    [
        "redis://a..b/0",
        f"redis://{'x' * 64}.org",
        "redis://a%00b",
        "redis://h:0",
        "unix://",
        "unix://x/y",
        f"unix:///{'x' * 120}",
        "redis+sentinel://a:b:c/x",
        "redis://localhost/0#1",
        "redis://:\udc80@localhost",
    ],
)
def test_a_place_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        pools.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@host:6379/0",
        "redis://s3cret@host",
        "redis://user:s3cret@host",
        "redis://:a/s3cret@host",
        "redis://:a?s3cret@host",
        "redis://:a#s3cret@host",
        "rediss://host?password=s3cret&ssl_password=s3cret",
        "redis://host?pass%77ord=s3cret&db=1",
        "unix://:s3cret@/run/redis.sock",
        "redis+sentinel://user:s3cret@one,two/primary?sentinel_password=s3cret",
        "s3cret",
    ],
)  # fmt: skip
def test_a_masked_url_has_no_password(url: str) -> None:
    assert "s3cret" not in urls.masked(url)
    assert "***" in urls.masked(url)
    try:
        pools.check_url(url)
    except ConfigurationError as error:
        assert "s3cret" not in str(error)  # noqa: PT017 - some of them are in order


def test_a_masked_url_is_otherwise_as_it_was() -> None:
    url = "redis+sentinel://user:***@one:1,two/primary/2?socket_timeout=1"
    assert urls.masked(url.replace("***", "pw")) == url


def test_a_database_that_is_not_there_is_named(connect: Connect, server: Server) -> None:
    with pytest.raises(RedisCommandError, match="Redis has no database 99 "):
        connect(server.url.removesuffix("0") + "99").execute(commands.ping())


def test_a_name_that_the_acl_refuses_is_told(connect: Connect, server: Server) -> None:
    server.command("ACL", "SETUSER", "nameless", "on", ">pw", "~*", "+@all", "-client")
    with pytest.raises(RedisDenied, match="does not allow this user"):
        connect(f"redis://nameless:pw@127.0.0.1:{server.port}/0?client_name=x").execute(commands.ping())


def test_a_database_that_the_acl_refuses_is_told(connect: Connect, server: Server) -> None:
    server.command("ACL", "SETUSER", "still", "on", ">pw", "~*", "+@all", "-select")
    with pytest.raises(RedisDenied, match="select"):
        connect(f"redis://still:pw@127.0.0.1:{server.port}/1").execute(commands.ping())


def test_what_is_no_redis_is_told(connect: Connect) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", NO_REDIS, str(port)],
        stdout=subprocess.PIPE,
    ) as web, ExitStack() as end:  # fmt: skip
        end.callback(web.kill)
        assert web.stdout is not None
        web.stdout.readline()
        with pytest.raises(RedisMisconfigured, match="does not speak Redis's protocol"):
            connect(f"redis://127.0.0.1:{port}/0").execute(commands.lpush(Key("list"), b"x"))


def test_a_host_without_an_address_is_told(connect: Connect) -> None:
    with pytest.raises(RedisMisconfigured, match="the Redis URL seems wrong"):
        connect("redis://no-such-host.invalid/0").execute(commands.ping())


@pytest.mark.parametrize("options", ["ssl_ca_certs=/no/such/file", "ssl_ciphers=none", ""])
def test_tls_that_cannot_be_is_told(connect: Connect, tls_server: TlsServer, options: str) -> None:
    with pytest.raises(RedisMisconfigured, match="the Redis URL seems wrong"):
        connect(f"rediss://127.0.0.1:{tls_server.port}/0?{options}").execute(commands.ping())


def test_tls_options_reach_both_drivers(connect: Connect, tls_server: TlsServer) -> None:
    options = f"ssl_min_version={ssl.TLSVersion.TLSv1_2.value}&ssl_check_hostname=false&ssl_cert_reqs=required"
    assert connect(f"{tls_server.url}&{options}").execute(commands.llen(Key("list"))) == 0
    unchecked = f"rediss://127.0.0.1:{tls_server.port}/0?ssl_cert_reqs=none"
    assert connect(unchecked).execute(commands.llen(Key("list"))) == 0


def test_a_server_that_is_not_up_is_merely_away(connect: Connect) -> None:
    for url in (f"redis://127.0.0.1:{free_port()}", "unix:///no/such/socket", f"rediss://127.0.0.1:{free_port()}"):
        with pytest.raises(RedisUnavailable, match="no connection to Redis: ") as caught:
            connect(url).execute(commands.ping())
        assert not isinstance(caught.value, RedisMisconfigured)


def test_a_node_of_a_cluster_is_told(connect: Connect, fresh_server: ServerFactory) -> None:
    server = fresh_server("redis", options=["--cluster-enabled", "yes", "--cluster-port", str(free_port())])
    with pytest.raises(RedisRefused, match="Redis Cluster is not supported: use one primary"):
        connect(server.url).execute(commands.llen(Key("list")))
    with pytest.raises(RedisCommandError, match="Redis Cluster is not supported: use one primary"):
        connect(server.url.removesuffix("0") + "1").execute(commands.ping())


@pytest.mark.parametrize("answer", ["MOVED 3999 127.0.0.1:6381", "CROSSSLOT Keys in request don't hash to one slot"])
def test_what_only_a_cluster_answers_is_told(disturbed: Runner, proxy: Proxy, answer: str) -> None:
    proxy.refuse(b"LPUSH", answer, times=1)
    with pytest.raises(RedisCommandError, match="Redis Cluster is not supported: use one primary"):
        disturbed.execute(commands.lpush(Key("list"), b"x"))


def test_a_password_is_nowhere_in_what_goes_wrong(connect: Connect, acl_server: AclServer) -> None:
    url = f"redis://teep:{quote('gu3ss')}@127.0.0.1:{acl_server.port}/0?client_name=x"
    with pytest.raises(RedisCommandError) as caught:
        connect(url).execute(commands.ping())
    errors: list[BaseException | None] = [caught.value, caught.value.__cause__]
    assert "gu3ss" not in "".join(map(str, errors))
