"""Which server Redis is, and how it is."""

from teep.api.base import Api, AsyncApi, SyncApi
from teep.drivers.operation import operation
from teep.store import facts
from teep.store.facts import Facts as ServerFacts


class _Server(Api):
    """The Redis or Valkey server that everything lies in."""

    @operation
    async def facts(self) -> ServerFacts:
        """Return its name, version, uptime (seconds), connections, and memory (bytes). One round trip.

        Raises:
            RedisDenied: this user may not ask.
        """
        return await facts.facts()


class Server(_Server, SyncApi): ...


class AsyncServer(_Server, AsyncApi): ...


__all__ = ["AsyncServer", "Server", "ServerFacts"]
