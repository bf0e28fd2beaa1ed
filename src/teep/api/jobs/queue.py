"""Queues and the jobs in them."""

import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from teep.api.base import Api, AsyncIterable, Page, SyncCollection, page_start
from teep.api.jobs.groups import JobGroups, groups_of
from teep.api.jobs.records import AsyncJobRecord, JobRecord, _JobRecord, names_of
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.selection import AsyncQueueSelection, QueueSelection
from teep.api.jobs.selection.sweep import delete_class
from teep.api.jobs.selection.where import Selectable
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.drivers.operation import operation
from teep.store.jobs import grouping, queues, slices
from teep.store.jobs.locate import has_jid
from teep.wire import keys, payload
from teep.wire.command import Plan
from teep.wire.stored import Stored

R = TypeVar("R", bound=_JobRecord)

_DIGEST = re.compile(r"[0-9a-f]{16}")


class _Queue(Api, Generic[R]):
    """A queue by its name; making one costs nothing. Iterates newest first, as Sidekiq does.

    An iteration is stable while others push and take: no job that stays is skipped, and none comes twice.
    Sidekiq's Queue.
    """

    _record: ClassVar[Callable[..., Any]]
    name: str

    def __init__(
        self, name: str = "default", *, config: Config | None = None, client: Client | AsyncClient | None = None
    ) -> None:
        super().__init__(config=config, client=client)
        self.name = name

    @property
    def id(self) -> str:
        """Its name."""
        return self.name

    @operation
    async def size(self) -> int:
        """Return how many jobs wait. One O(1) command."""
        return await queues.size(self.name)

    @operation
    async def latency(self) -> float:
        """Return how long (seconds) the next job has waited; 0.0 if none does. One O(1) command."""
        return latency_of(await queues.oldest(self.name))

    @operation
    async def is_paused(self) -> bool:
        """Tell whether workers take no jobs from it (Sidekiq Pro's `paused` set). One O(1) command; see `paused`."""
        return await queues.is_paused(self.name)

    @operation
    async def page(self, number: int = 1, size: int = 25, *, reverse: bool = False) -> Page[R]:
        """Return page `number` (from 1) of `size` jobs, newest first, or oldest first with `reverse`. One round trip.

        Raises:
            InvalidPage: the size is less than 1.
        """
        number, start = page_start(number, size)
        total, raws = await slices.sized_page(self.name, start, size, oldest_first=reverse)
        return Page(self._records(raws), total, number)

    @operation
    async def find_job(self, jid: str | None) -> R | None:
        """Return the job with this jid, or None; the search is done inside Redis.

        Takes any result of a push; None (the job was not pushed) finds nothing. A jid that teep made holds its time,
        so it is found by a few looks, however long the queue is. For others Redis reads the queue, slice by slice.
        """
        return await self._search(jid)

    @operation
    async def entry(self, position: int, name: str) -> R | None:
        """Return the job with this jid or `digest` that lay about a position counted from the oldest, or None.

        `position` is what a page by cursor says of a job. One round trip; if it moved far, and `name` is a jid, as
        `find_job`.
        """
        needle = b"" if _DIGEST.fullmatch(name) else name.encode(errors="surrogateescape")
        raw = await slices.find_near(self.name, position, needle, lambda raw: name in names_of(raw))
        if raw is None:
            return await self._search(name) if needle else None
        (record,) = self._records([raw])
        record.position = position
        return record

    @operation
    async def delete_job(self, jid: str | None) -> bool:
        """Delete the job with this jid; True if there was one. Costs a `find_job` and an O(n) removal."""
        record = await self._search(jid)
        return record is not None and await queues.delete(self.name, record.raw)

    @operation
    async def delete_by_class(self, klass: str) -> int:
        """Delete every job of a class (an ActiveJob's own class too); returns how many."""
        return await delete_class(self.name, klass)

    @operation
    async def pause(self) -> None:
        """Stop workers from taking its jobs, teep's within a second; pushes go on. Sidekiq Pro's Queue#pause!."""
        await queues.pause(self.name)

    @operation
    async def unpause(self) -> None:
        """Let workers serve the queue again."""
        await queues.unpause(self.name)

    @operation
    async def groups(self) -> JobGroups[R]:
        """Return how many jobs there are of each class and error, largest first; a table at a prompt.

        One pass inside Redis, 1000 jobs a step; only the groups cross the network.
        """
        return groups_of(await grouping.queue_groups(self.name), lambda raw, _: self._records([raw])[0])

    @operation
    async def memory_usage(self) -> int:
        """Return about how many bytes of Redis memory the queue takes, estimated from a sample."""
        return await queues.memory_usage(keys.queue(self.name))

    @operation
    async def clear(self) -> bool:
        """Delete the queue with all its jobs; returns True. One round trip, and one more per 5000 jobs.

        Jobs that are pushed meanwhile may stay.
        """
        await queues.clear(self.name)
        return True

    def as_json(self) -> dict[str, str]:
        """Return its name, as a dict."""
        return {"name": self.name}

    async def _search(self, jid: str | None) -> R | None:
        if jid is None:
            return None
        raw = await queues.find(self.name, jid, lambda raw: has_jid(raw, jid))
        return None if raw is None else self._records([raw])[0]

    async def _first(self, count: int | None) -> Any:
        records = self._records(await queues.page(self.name, 0, 1 if count is None else count))
        if count is not None:
            return records
        return records[0] if records else None

    def _records(self, raws: list[bytes]) -> list[R]:
        return [self._record(raw, self.name, config=self.config) for raw in raws]

    def _walk(self) -> Callable[[], Plan[list[R] | None]]:
        walk = queues.Walk(self.name)

        async def following() -> list[R] | None:
            raws = await walk.next()
            return None if raws is None else self._records(raws)

        return following

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Queue(_Queue[JobRecord], SyncCollection[JobRecord], Selectable[QueueSelection]):
    _record = JobRecord

    @overload
    def first(self) -> JobRecord | None: ...
    @overload
    def first(self, count: int) -> list[JobRecord]: ...
    def first(self, count: int | None = None) -> Any:
        """Return the newest job or None; with `count`, a list of the newest. One command."""
        return self._run(self._first(count))

    def _select(self, chosen: Filter) -> QueueSelection:
        return QueueSelection(self.name, chosen, config=self.config)

    @property
    def paused(self) -> bool:
        """Whether workers take no jobs from it: `is_paused` as a property. One O(1) command."""
        return self.is_paused()

    @classmethod
    def all(cls, *, config: Config | None = None, client: Client | None = None) -> list[Self]:
        """Return every queue, by name. One round trip."""
        here = cls(config=config, client=client)
        return [cls(name, config=here.config) for name in here._run(queues.names())]


class AsyncQueue(_Queue[AsyncJobRecord], AsyncIterable[AsyncJobRecord], Selectable[AsyncQueueSelection]):
    _record = AsyncJobRecord

    @overload
    async def first(self) -> AsyncJobRecord | None: ...
    @overload
    async def first(self, count: int) -> list[AsyncJobRecord]: ...
    async def first(self, count: int | None = None) -> Any:
        """Return the newest job or None; with `count`, a list of the newest. One command."""
        return await self._run(self._first(count))

    def _select(self, chosen: Filter) -> AsyncQueueSelection:
        return AsyncQueueSelection(self.name, chosen, config=self.config)

    @property
    def paused(self) -> Coroutine[Any, Any, bool]:
        """Whether workers take no jobs from it: `is_paused` as a property, awaited. One O(1) command."""
        return self.is_paused()

    @classmethod
    async def all(cls, *, config: Config | None = None, client: AsyncClient | None = None) -> list[Self]:
        """Return every queue, by name. One round trip."""
        here = cls(config=config, client=client)
        return [cls(name, config=here.config) for name in await here._run(queues.names())]


def latency_of(oldest: bytes | None) -> float:
    """Return how long (seconds) a queue's next job has waited; 0.0 for none, or for bytes that are no job."""
    item = None if oldest is None else Stored(oldest).item
    return 0.0 if item is None else payload.latency(item, time.time())
