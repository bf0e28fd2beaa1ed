"""From a Redis URL to redis-py's connection pools."""

import contextlib
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.retry
import redis.sentinel
from redis.backoff import NoBackoff

from teep.drivers.connections import sentinels, urls
from teep.errors import ConfigurationError

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
# A thread needs one at most, and a program may have any number of threads; redis-py would refuse the 101st.
_SYNC_CONNECTIONS = 2**31
# Coroutines are cheap and connections are not: if more need one at once, they wait for a free one.
ASYNC_CONNECTIONS = 64
# The same for commands that block, which need one each for seconds. A server takes 10,000 clients by default.
ASYNC_WAITS = 256
_KINDS = {
    "redis": (redis.Connection, redis.asyncio.Connection),
    "rediss": (redis.SSLConnection, redis.asyncio.SSLConnection),
    "unix": (redis.UnixDomainSocketConnection, redis.asyncio.UnixDomainSocketConnection),
    "redis+sentinel": (sentinels.Connection, sentinels.AsyncConnection),
    "rediss+sentinel": (sentinels.TlsConnection, sentinels.AsyncTlsConnection),
}


def check_url(url: str) -> None:
    """Refuse a URL that cannot work, without connecting.

    Raises:
        ConfigurationError: says what is wrong; never shows the password.
    """
    try:
        sync_pool(url).make_connection()  # only builds it, which shows the rest of redis-py's refusals
    except ConfigurationError:
        raise
    except (redis.RedisError, ValueError, TypeError):
        # Neither the error nor its message, as they may show a password.
        raise ConfigurationError("the Redis URL cannot be read: redis-py does not accept it") from None


def sync_pool(url: str) -> redis.ConnectionPool:
    target = urls.parse(url)
    kind, _ = _KINDS[target.scheme]
    if not target.hosts:
        return redis.ConnectionPool(kind, max_connections=_SYNC_CONNECTIONS, **_options(target))
    # The driver decides when to try again; redis-py's clients would wait for seconds in between.
    asking = {**_common(target), **target.sentinel_options, "retry": redis.retry.Retry(NoBackoff(), 0)}
    manager: Any = redis.sentinel.Sentinel(target.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    pool: redis.ConnectionPool = redis.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        target.service, manager, connection_class=kind, max_connections=_SYNC_CONNECTIONS, **_options(target)
    )
    return pool


def async_pool(url: str, most: int = ASYNC_CONNECTIONS) -> redis.asyncio.ConnectionPool:
    target = urls.parse(url)
    _, kind = _KINDS[target.scheme]
    if not target.hosts:
        return redis.asyncio.BlockingConnectionPool(most, timeout=None, connection_class=kind, **_options(target))
    asking = {**_common(target), **target.sentinel_options, "retry": redis.asyncio.retry.Retry(NoBackoff(), 0)}
    manager: Any = redis.asyncio.sentinel.Sentinel(target.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    pool: redis.asyncio.ConnectionPool = redis.asyncio.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        target.service, manager, connection_class=kind, **_options(target)
    )
    return pool


async def close_async(pool: Any) -> None:
    """Close a pool's connections, those to its sentinels too."""
    for each in _with_sentinels(pool):
        await each.disconnect()


async def close_idle_async(pool: Any) -> None:
    """Close the connections that are idle; a command that comes meanwhile gets a new one."""
    for each in _with_sentinels(pool):
        idle, each._available_connections = each._available_connections, []  # noqa: SLF001 - redis-py would hand out what it closes
        for connection in idle:
            await connection.disconnect()


def abandon_async(pool: Any) -> None:
    """Close the sockets of a pool whose loop is closed, so that it cannot close them itself."""
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
        ):  # as above: a coroutine that waits cannot be told, and the socket is closed
            below._call_connection_lost(None)  # noqa: SLF001 - asyncio's own end of a transport; uvloop's end with the loop


def _options(target: urls.Target) -> dict[str, Any]:
    return {**_common(target), **target.options}


def _common(target: urls.Target) -> dict[str, Any]:
    keep_alive = {} if target.scheme == "unix" else {"socket_keepalive": True}  # redis-py knows it for TCP alone
    return {
        "protocol": 2,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        **keep_alive,
    }
