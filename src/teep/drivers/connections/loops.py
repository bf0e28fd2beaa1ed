"""The connections of an event loop, which end with it, however it ends.

1. The loop owns them, by a timer that is never due. All others have weak references only, since a connection holds
   its loop. So a loop that nothing else holds is collected, and its connections with it.
2. A loop that is shut down in order, as by `asyncio.run`, closes its asynchronous generators, and one of them closes
   the connections.
3. A loop that is only closed drops its timers, and with them the owner, which closes the sockets.
"""

import asyncio
import contextlib
import contextvars
import os
import weakref
from collections.abc import AsyncGenerator

import redis.asyncio

from teep.drivers.connections import pools

# Seconds until the timer is due: a hundred years.
_NEVER = 3e9


class LoopPool:
    """The pool of the running loop."""

    def __init__(self, pool: redis.asyncio.ConnectionPool, loop: asyncio.AbstractEventLoop) -> None:
        self.pool = pool
        self._pid = os.getpid()
        self._end = _close_at_end(pool)
        with contextlib.suppress(StopIteration):  # it has come to its yield
            self._end.asend(None).send(None)
        # In an empty context: the timer would keep the values of the first caller's.
        loop.call_later(_NEVER, self._stay, context=contextvars.Context())
        _living.add(self)

    async def close(self) -> None:
        """Close the connections. Idempotent; a later command opens new ones."""
        await pools.close_async(self.pool)

    def __del__(self) -> None:
        if self._pid != os.getpid():
            return  # the parent's
        with contextlib.suppress(StopAsyncIteration, RuntimeError):  # it has ended, or its loop was closed within it
            self._end.asend(None).send(None)  # it leaves quietly, else its loop would be asked to close it
        pools.abandon_async(self.pool)

    def _stay(self) -> None:
        """Do nothing: the timer is there to hold this object."""


async def _close_at_end(pool: redis.asyncio.ConnectionPool) -> AsyncGenerator[None, None]:
    try:
        yield
    except GeneratorExit:
        # Those in use may serve other generators at their own end; they are closed with the loop.
        await pools.close_idle_async(pool)
        raise


_living: "weakref.WeakSet[LoopPool]" = weakref.WeakSet()
_inherited: list[LoopPool] = []


def _keep_inherited() -> None:
    """Keep the parent's connections in a forked child.

    Closing them would take them out of the parent's event loop, whose epoll set both processes share.
    """
    _inherited.extend(_living)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_inherited)
