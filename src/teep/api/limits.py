"""The limits that were used lately, in any process: how much of each is taken, and changes of it."""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from teep.api.base import Api, AsyncApi, AsyncIterable, SyncApi, SyncCollection
from teep.client import AsyncClient, Client
from teep.client.limiters import Controls, Usage, usage_of
from teep.clock import redis_time
from teep.config import Config
from teep.drivers.operation import operation
from teep.store import limits
from teep.wire.command import Plan

__all__ = ["AsyncLimiter", "AsyncLimiterSet", "Limiter", "LimiterSet", "Usage"]

L = TypeVar("L", bound="_Limiter")

_LOOKED_AT = 1_000


class _Limiter(Controls, Api):
    """A limiter as it is in Redis.

    `kind` is "concurrent", "bucket", "window", "leaky" or "points"; `interval` is the seconds for which the limit is
    meant, those of one point for "points", and None for "concurrent". `read` is its usage as it was read.
    """

    def __init__(
        self,
        known: limits.Known,
        *,
        config: Config | None = None,
        client: Client | AsyncClient | None = None,
    ) -> None:
        super().__init__(config=config, client=client)
        self.name = known.name
        self.kind = _KINDS.get(known.usage.kind, known.usage.kind)
        self.interval = None if self.kind == "concurrent" else known.usage.interval / 1_000_000
        self.read: Usage = usage_of(known.usage)

    @property
    def _declared(self) -> int:
        return self.read.declared

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.read.used} of {self.read.limit}>"


_KINDS = {"sixtieths": "window"}


class Limiter(_Limiter, SyncApi): ...


class AsyncLimiter(_Limiter, AsyncApi): ...


class _LimiterSet(Api, Generic[L]):
    """The limiters that were used lately: each is forgotten some time after its last use (its `ttl`)."""

    _limiter: ClassVar[Callable[..., Any]]

    @operation
    async def size(self) -> int:
        """Return how many there are. One O(1) command."""
        return await limits.size()

    @operation
    async def get(self, name: str) -> L | None:
        """Return the limiter with this name, or None if it was not used lately. One round trip."""
        found = await limits.usage(name, redis_time())
        return None if found is None else self._limiter(limits.Known(name, found), config=self.config)

    @operation
    async def recent(self, count: int = _LOOKED_AT) -> list[L]:
        """Return those that were used last, the latest first. Two round trips."""
        return [self._limiter(known, config=self.config) for known in await limits.recent(count, redis_time())]

    @operation
    async def waiting(self) -> dict[str, dict[str, int]]:
        """Return by queue how many of its jobs wait for which limiter: `{"mailers": {"smtp": 12}}`.

        Two round trips. It looks at the 1,000 limiters that were used last, and at the first 100 jobs at each.
        """
        return await limits.waiting(_LOOKED_AT)

    def _walk(self) -> Callable[[], Plan[list[L] | None]]:
        start = 0

        async def following() -> list[L] | None:
            nonlocal start
            page = await limits.page(start, now=redis_time())
            start += limits.PAGE
            return None if page is None else [self._limiter(known, config=self.config) for known in page]

        return following


class LimiterSet(_LimiterSet[Limiter], SyncCollection[Limiter]):
    _limiter = Limiter


class AsyncLimiterSet(_LimiterSet[AsyncLimiter], AsyncIterable[AsyncLimiter]):
    _limiter = AsyncLimiter
