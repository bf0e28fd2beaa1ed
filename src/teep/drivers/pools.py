"""From a Redis URL to redis-py's connection pools.

URLs: `redis://`, `rediss://` (TLS) and `unix://` as redis-py reads them, and for Sentinel
`redis+sentinel://user:password@host:26379,host2:26379/service/db?sentinel_password=…` (`rediss+sentinel://`: TLS).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from teep.errors import ConfigurationError

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
# Coroutines are cheap and connections are not: more at once than this wait for a free one.
ASYNC_CONNECTIONS = 64
_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_SENTINEL_PORT = 26379


def check_url(url: str) -> None:
    """Refuse a URL that cannot work, without connecting.

    Raises:
        ConfigurationError: with what is wrong; never with the password.
    """
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise ConfigurationError(
            f"the Redis URL must begin with one of {', '.join(f'{name}://' for name in _SCHEMES)}, not {scheme!r}"
        )
    try:
        sync_pool(url)
    except ValueError as error:
        raise ConfigurationError(f"the Redis URL cannot be read: {error}") from error


def sync_pool(url: str) -> redis.ConnectionPool:
    if not _is_sentinel(url):
        return redis.ConnectionPool.from_url(url, **_COMMON)
    address = _Sentinels.parse(url)
    manager: Any = redis.sentinel.Sentinel(address.hosts, sentinel_kwargs=address.sentinel_options)  # type: ignore[no-untyped-call]
    pool: redis.ConnectionPool = redis.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service, manager, **address.options
    )
    return pool


def async_pool(url: str) -> redis.asyncio.ConnectionPool:
    if not _is_sentinel(url):
        return redis.asyncio.BlockingConnectionPool.from_url(
            url, max_connections=ASYNC_CONNECTIONS, timeout=None, **_COMMON
        )
    address = _Sentinels.parse(url)
    manager: Any = redis.asyncio.sentinel.Sentinel(address.hosts, sentinel_kwargs=address.sentinel_options)  # type: ignore[no-untyped-call]
    pool: redis.asyncio.ConnectionPool = redis.asyncio.sentinel.SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service, manager, **address.options
    )
    return pool


_COMMON: Mapping[str, Any] = {
    "protocol": 2,
    "socket_connect_timeout": CONNECT_SECONDS,
    "socket_timeout": ANSWER_SECONDS,
    "socket_keepalive": True,
}


def _is_sentinel(url: str) -> bool:
    return "+sentinel://" in url


class _Sentinels(NamedTuple):
    """A Sentinel URL's parts, as redis-py takes them."""

    hosts: list[tuple[str, int]]
    service: str
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
        options: dict[str, Any] = {**_COMMON, "db": int(db or 0)}
        if password:
            options |= {"username": unquote(username) or None, "password": unquote(password)}
        if parts.scheme == "rediss+sentinel":
            options["ssl"] = True
        query = dict(parse_qsl(parts.query))
        own = {
            name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query
        }
        hosts = [_address(address) for address in addresses.split(",")]
        return cls(hosts, service, options | query, {**_COMMON, **own})


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host, int(port or _SENTINEL_PORT)
