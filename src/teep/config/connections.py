"""The Redis that a configuration means, and the drivers that a process shares."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from teep import drivers, embedded
from teep.config import default
from teep.config.config import Config
from teep.config.sources import variables
from teep.drivers.connections.urls import masked
from teep.errors import RedisNotConfigured
from teep.telling import Logger

if TYPE_CHECKING:
    from teep.drivers import AsyncDriver, Driver

D = TypeVar("D", "Driver", "AsyncDriver")

logger = Logger("teep")

_WAY_OUT = "set REDIS_URL (such as redis://localhost:6379/0)"
_told = False
_lock = threading.RLock()
_sync_drivers: "dict[str, Driver]" = {}
_async_drivers: "dict[str, AsyncDriver]" = {}


def _renew_lock() -> None:
    """Give a fork a lock of its own: a thread that the fork does not have may hold the parent's."""
    global _lock  # noqa: PLW0603 - of this module, as the drivers are
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def redis_url_for(config: Config, *, warn: bool = True) -> str:
    """Return the URL of the Redis to use: of the configuration, the variables or the file, else the embedded server.

    The embedded server is started if none runs yet, and kept for as long as this process lives. A process logs its
    first use as a warning, unless the use is intended (`warn=False`).

    Raises:
        RedisNotConfigured: nothing is configured, and the embedded server is not installed, or this is production.
    """
    if named := named_url(config):
        return named
    if not embedded.is_available():
        raise RedisNotConfigured(f"no Redis is configured: {_WAY_OUT}, or {embedded.INSTALL}")
    if config.environment.lower() == "production":
        raise RedisNotConfigured(
            "no Redis is configured, and the embedded server is for development, while the environment is"
            f" {config.environment} ({config.sources['environment']}): {_WAY_OUT}"
        )
    url = embedded.acquire().url
    if warn:
        _tell_once()
    return url


def named_url(config: Config) -> str | None:
    """Return the URL that is configured anywhere; None means the embedded server."""
    if config.redis_url:
        return config.redis_url
    if found := variables.find("redis_url", os.environ):
        return str(found.value)
    return default.fallbacks().get("redis_url")


def redis_in_words(config: Config) -> str:
    """Return the Redis of a configuration in words: its URL without passwords, or the embedded server."""
    if named := named_url(config):
        return masked(named)
    return f"the embedded server in {embedded.data_dir()}, for development"


def _tell_once() -> None:
    global _told  # noqa: PLW0603 - once a process
    if not _told:
        _told = True
        logger.warning("no redis_url is set: using the embedded server in %s, for development", embedded.data_dir())


def driver_for(config: Config) -> "Driver":
    """Return the thread driver for a configuration; configurations with one URL share one."""
    return _shared(_sync_drivers, config, drivers.Driver)


def async_driver_for(config: Config) -> "AsyncDriver":
    """Return the asyncio driver for a configuration; configurations with one URL share one."""
    return _shared(_async_drivers, config, drivers.AsyncDriver)


def _shared(drivers: dict[str, D], config: Config, make: Callable[[str], D]) -> D:
    with _lock:
        url = redis_url_for(config)
        if url not in drivers:
            drivers[url] = make(url)
        return drivers[url]


async def close_connections(config: Config | None = None) -> None:
    """Close the connections that this event loop has opened, to the Redis of a configuration or by default to all.

    A later command opens new ones. The embedded server is not started for this.
    """
    with _lock:
        known = dict(_async_drivers)
    url = None if config is None else named_url(config)
    for of, driver in known.items():
        if url is None or of == url:
            await driver.close()
