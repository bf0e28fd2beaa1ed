"""Profiles of jobs that were pushed with `profile`, each kept for a day."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from teep.api.base import Api, AsyncApi, AsyncIterable, SyncApi, SyncCollection, once
from teep.config import Config
from teep.drivers.operation import operation
from teep.store.statistics import profiles
from teep.wire.command import Plan

R = TypeVar("R", bound="_ProfileRecord")


class _ProfileRecord(Api):
    """A profile; `data` reads its content. Sidekiq's ProfileRecord."""

    def __init__(self, profile: profiles.Profile, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._profile = profile

    @property
    def key(self) -> str:
        """Its name: `token-jid`."""
        return self._profile.key

    @property
    def started_at(self) -> datetime:
        """When the job started, to the second."""
        return datetime.fromtimestamp(self._profile.started_at, UTC)

    @property
    def jid(self) -> str:
        return self._profile.jid

    @property
    def type(self) -> str:
        """The job's class."""
        return self._profile.type

    @property
    def token(self) -> str:
        """The value of the job's `profile`, such as the name of the person who asked for it."""
        return self._profile.token

    @property
    def size(self) -> int:
        """Bytes of its data, compressed."""
        return self._profile.size

    @property
    def elapsed(self) -> float:
        """Seconds that the job ran."""
        return self._profile.elapsed

    @operation
    async def data(self) -> bytes | None:
        """Return its data, gzipped JSON for the Firefox Profiler, or None if it has expired. One round trip."""
        return await profiles.data(self.key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type} {self.key}>"


class ProfileRecord(_ProfileRecord, SyncApi): ...


class AsyncProfileRecord(_ProfileRecord, AsyncApi): ...


class _ProfileSet(Api, Generic[R]):
    """The profiles of the last day, newest first. The first use drops those that have expired.

    Sidekiq's ProfileSet.
    """

    _record: ClassVar[Callable[..., Any]]
    _clean = False

    @operation
    async def size(self) -> int:
        """Return how many there are. One O(1) command."""
        await self._cleaned()
        return await profiles.size()

    @operation
    async def get(self, key: str) -> R | None:
        """Return the profile of this key, or None. Two round trips of O(1) commands."""
        await self._cleaned()
        found = await profiles.get(key)
        return None if found is None else self._record(found, config=self.config)

    async def _all(self) -> list[R]:
        await self._cleaned()
        return [self._record(profile, config=self.config) for profile in await profiles.listing()]

    async def _cleaned(self) -> None:
        if not self._clean:
            await profiles.drop_expired(time.time())
            self._clean = True

    def _walk(self) -> Callable[[], Plan[list[R] | None]]:
        return once(self._all)


class ProfileSet(_ProfileSet[ProfileRecord], SyncCollection[ProfileRecord]):
    _record = ProfileRecord


class AsyncProfileSet(_ProfileSet[AsyncProfileRecord], AsyncIterable[AsyncProfileRecord]):
    _record = AsyncProfileRecord
