"""Connections to the primary that a Sentinel names, for either driver, plain or with TLS.

redis-py's own turn the answer READONLY into a lost connection and drop the answers after it, so that it is unknown
which parts of a pipeline were carried out. Here it is an answer like any other.
"""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio import sentinel as aio
from redis.sentinel import SentinelManagedConnection


class Connection(SentinelManagedConnection):
    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        return redis.Connection.read_response(self, *args, **kwargs)


class TlsConnection(Connection, redis.SSLConnection):
    pass


class AsyncConnection(aio.SentinelManagedConnection):
    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        return await redis.asyncio.Connection.read_response(self, *args, **kwargs)


class AsyncTlsConnection(AsyncConnection, redis.asyncio.SSLConnection):
    pass
