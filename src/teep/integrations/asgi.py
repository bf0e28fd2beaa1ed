"""teep in an ASGI app that pushes jobs, such as one of FastAPI or Litestar: its connections end with the app."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from teep.config import Config
from teep.config.connections import close_connections

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def lifespan(config: Config | None = None) -> Lifespan:
    """Return a lifespan: `FastAPI(lifespan=lifespan())`. At the end of the app it closes teep's connections.

    Without it they end with the process, which some servers' reloads and tests do not wait for. It asks Redis nothing
    at the start, so that an app starts while Redis is away. In an app with a lifespan of its own, enter it there:
    `async with teep.integrations.asgi.lifespan()(app): yield`.

    Args:
        config: closes the connections to the Redis of this configuration; default: all of the app's event loop.
    """

    @asynccontextmanager
    async def around(_app: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await close_connections(config)

    return around
