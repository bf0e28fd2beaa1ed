"""From a Redis URL to redis-py's connection pools.

URLs: `redis://`, `rediss://` (TLS) and `unix://` as redis-py reads them, and for Sentinel
`redis+sentinel://user:password@host:26379,host2:26379/service/db?sentinel_password=…` (`rediss+sentinel://`: TLS).
"""

import contextlib
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.retry
import redis.sentinel
from redis.backoff import NoBackoff

from teep.drivers import sentinels
from teep.errors import ConfigurationError

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
# A thread needs one at most, and there are as many threads as its program likes; redis-py would refuse the 101st.
_SYNC_CONNECTIONS = 2**31
# Coroutines are cheap and connections are not: more at once than this wait for a free one.
ASYNC_CONNECTIONS = 64
_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_SENTINEL_PORT = 26379


def check_url(url: str) -> None:
    """Refuse a URL that cannot work, without connecting.

    Raises:
        ConfigurationError: with what is wrong; never with the password.
    """
    scheme, separator, _ = url.partition("://")
    if scheme not in _SCHEMES or not separator:
        # A URL without a scheme stays out of the message: its password could stand anywhere in it.
        named = f", not {scheme!r}" if separator and scheme.isalnum() else ""
        raise ConfigurationError(
            f"the Redis URL must begin with one of {', '.join(f'{name}://' for name in _SCHEMES)}{named}"
        )
    try:
        sync_pool(url).make_connection()  # which only builds it; options that redis-py does not know show here
    except ConfigurationError:
        raise
    except (ValueError, TypeError):
        # Neither the error's text nor the error: a password with a "/" or "#" in it shows up there as a port.
        raise ConfigurationError(
            "the Redis URL cannot be read: its user name and password must be percent-encoded, its port and "
            "database numbers, and its options those of redis-py"
        ) from None


def sync_pool(url: str) -> redis.ConnectionPool:
    if not _is_sentinel(url):
        return redis.ConnectionPool.from_url(url, max_connections=_SYNC_CONNECTIONS, **_options(url))
    address = _Sentinels.parse(url)
    # When to try again is the driver's business; redis-py's clients would wait for seconds in between.
    once = redis.retry.Retry(NoBackoff(), 0)
    asking = {**address.sentinel_options, "retry": once}
    manager: Any = redis.sentinel.Sentinel(address.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    kind = sentinels.TlsConnection if address.tls else sentinels.Connection
    pool: redis.ConnectionPool = redis.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service, manager, connection_class=kind, max_connections=_SYNC_CONNECTIONS, **address.options
    )
    return pool


def async_pool(url: str) -> redis.asyncio.ConnectionPool:
    if not _is_sentinel(url):
        return redis.asyncio.BlockingConnectionPool.from_url(
            url, max_connections=ASYNC_CONNECTIONS, timeout=None, **_options(url)
        )
    address = _Sentinels.parse(url)
    once = redis.asyncio.retry.Retry(NoBackoff(), 0)
    asking = {**address.sentinel_options, "retry": once}
    manager: Any = redis.asyncio.sentinel.Sentinel(address.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    kind = sentinels.AsyncTlsConnection if address.tls else sentinels.AsyncConnection
    pool: redis.asyncio.ConnectionPool = redis.asyncio.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service, manager, connection_class=kind, **address.options
    )
    return pool


async def close_async(pool: Any) -> None:
    """Close a pool's connections, those to its sentinels too."""
    for each in _with_sentinels(pool):
        await each.disconnect()


async def close_idle_async(pool: Any) -> None:
    """Close the connections that nobody uses; whoever comes meanwhile gets new ones."""
    for each in _with_sentinels(pool):
        idle, each._available_connections = each._available_connections, []  # noqa: SLF001 - redis-py would hand out what it closes
        for connection in idle:
            await connection.disconnect()


def abandon_async(pool: Any) -> None:
    """Close the sockets of a pool whose loop is closed, and can close nothing itself any more."""
    for each in _with_sentinels(pool):
        for connection in (*each._available_connections, *each._in_use_connections):  # noqa: SLF001 - redis-py has no public way to them
            _abandon(connection)


def _with_sentinels(pool: Any) -> list[Any]:
    if not isinstance(pool, redis.asyncio.sentinel.SentinelConnectionPool):
        return [pool]
    return [pool, *(client.connection_pool for client in pool.sentinel_manager.sentinels)]


def _abandon(connection: Any) -> None:
    writer, connection._writer, connection._reader = connection._writer, None, None  # noqa: SLF001 - else it warns that it is unclosed
    if writer is None:
        return
    transport = writer.transport
    with contextlib.suppress(RuntimeError):  # the loop is closed; until there, abort does all but close the socket
        transport.abort()
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
    if getattr(below, "_sock", None) is not None:
        with contextlib.suppress(
            RuntimeError
        ):  # as above: who waits for a reply cannot be told, and the socket is closed
            below._call_connection_lost(None)  # noqa: SLF001 - asyncio's own end of a transport; uvloop's end with the loop


def _common() -> dict[str, Any]:
    return {
        "protocol": 2,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,
    }


def _options(url: str) -> dict[str, Any]:
    # redis-py knows these two for TCP only.
    tcp_only = ("socket_connect_timeout", "socket_keepalive") if url.startswith("unix:") else ()
    return {name: value for name, value in _common().items() if name not in tcp_only}


def _is_sentinel(url: str) -> bool:
    return "+sentinel://" in url


class _Sentinels(NamedTuple):
    """A Sentinel URL's parts, as redis-py takes them."""

    hosts: list[tuple[str, int]]
    service: str
    tls: bool
    options: dict[str, Any]
    sentinel_options: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> "_Sentinels":
        parts = urlsplit(url)
        credentials, _, addresses = parts.netloc.rpartition("@")
        service, _, db = parts.path.strip("/").partition("/")
        if not service:
            raise ConfigurationError("a Sentinel URL names its service: redis+sentinel://host:26379/SERVICE/0")
        username, _, password = credentials.partition(":")
        options: dict[str, Any] = {**_common(), "db": int(db or 0)}
        if password:
            options |= {"username": unquote(username) or None, "password": unquote(password)}
        query = dict(parse_qsl(parts.query))
        own = {
            name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query
        }
        if not addresses:
            raise ConfigurationError(
                "a Sentinel URL names its hosts: redis+sentinel://HOST:26379,HOST2:26379/service/0"
            )
        hosts = [_address(address) for address in addresses.split(",")]
        return cls(hosts, service, parts.scheme == "rediss+sentinel", options | query, {**_common(), **own})


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host, int(port or _SENTINEL_PORT)
