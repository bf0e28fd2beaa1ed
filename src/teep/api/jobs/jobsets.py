"""The scheduled, retry and dead sets."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from teep.api.base import AsyncIterable, Page, SyncCollection, page_start
from teep.api.jobs import moves
from teep.api.jobs.entries import AsyncSortedEntry, SortedEntry
from teep.api.jobs.groups import E, _Grouped
from teep.api.jobs.records import names_of
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.selection import AsyncSetSelection, SetSelection
from teep.api.jobs.selection.where import Selectable
from teep.client.times import epoch
from teep.config import Config, default_config
from teep.drivers.operation import operation
from teep.errors import JobKilled
from teep.store.jobs import jobsets, queues
from teep.store.jobs.locate import has_jid
from teep.wire import keys, payload
from teep.wire.command import Plan
from teep.wire.stored import Stored

Moment = float | datetime


class _JobSet(_Grouped[E]):
    """A set of jobs by time. Iterates from the latest time down, as Sidekiq does, stable while others change it.

    Verbs for the whole set run in batches of 500: each job moves in one atomic step, so a crash between two
    batches loses nothing and leaves the rest where it was. They visit the jobs that are there when they start.
    """

    _entry: ClassVar[Callable[..., Any]]
    _ascending: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Its key in Redis."""
        return self._key

    @operation
    async def size(self) -> int:
        """Return how many jobs it holds. One O(1) command."""
        return await jobsets.size(self._key)

    @operation
    async def page(self, number: int = 1, size: int = 25, *, reverse: bool = False) -> Page[E]:
        """Return page `number` (from 1) of `size` entries: the next due first, in the dead set the newest first.

        `reverse` turns that order around.

        Raises:
            InvalidPage: the size is less than 1.
        """
        number, start = page_start(number, size)
        total, entries = await jobsets.sized_page(self._key, start, size, ascending=self._ascending is not reverse)
        return Page(self._entries(entries), total, number)

    @operation
    async def schedule(self, at: datetime | float, job: Mapping[str, Any]) -> None:
        """Add a payload, unchanged, for a time (datetime or epoch seconds)."""
        await jobsets.add(self._key, [(epoch(at), payload.serialise(dict(job)))])

    @operation
    async def scan(self, match: str) -> list[E]:
        """Return the entries whose JSON contains `match`, or matches it if it has a `*`. O(n) in Redis.

        Without a `*` the string is taken literally.
        """
        found: dict[bytes, float] = {}
        cursor = None
        while cursor != 0:
            cursor, entries = await jobsets.scan_page(self._key, cursor or 0, jobsets.glob(match))
            found.update(entries)
        return self._entries(list(found.items()))

    @operation
    async def find_job(self, jid: str | None) -> E | None:
        """Return the entry with this jid, or None. O(n) in Redis; only matches cross the network.

        Takes any result of a push; None (the job was not pushed) finds nothing.
        """
        if jid is None:
            return None
        found = await jobsets.find(self._key, jid, lambda raw: has_jid(raw, jid))
        return None if found is None else self._entries([found])[0]

    @operation
    async def fetch(self, score: Moment | tuple[Moment, Moment], jid: str | None = None) -> list[E]:
        """Return the entries at a score, or from one to another inclusive; with `jid` only that one. O(log n)."""
        low, high = score if isinstance(score, tuple) else (score, score)
        entries: list[E] = self._entries(await jobsets.between(self._key, epoch(low), epoch(high)))
        return [entry for entry in entries if jid is None or entry.jid == jid]

    @operation
    async def entry(self, score: float, name: str) -> E | None:
        """Return the entry at a score with this jid or `digest`, or None.

        One round trip, and one more per 500 entries of the same score. If several have the jid, the first.
        """
        found = await jobsets.at_score(self._key, score, lambda raw: name in names_of(raw))
        return None if found is None else self._entries([(found, score)])[0]

    @operation
    async def delete_by_jid(self, score: float, jid: str) -> bool:
        """Delete the entry with this score and jid; True if it was there. O(log n)."""
        for entry in self._entries(await jobsets.between(self._key, score, score)):
            if entry.jid == jid:
                return await jobsets.delete(self._key, entry.raw)
        return False

    delete = delete_by_jid

    @operation
    async def delete_by_value(self, value: str | bytes) -> bool:
        """Delete the entry with exactly this JSON; True if it was there. O(log n)."""
        raw = value.encode(errors="surrogateescape") if isinstance(value, str) else value
        return await jobsets.delete(self._key, raw)

    @operation
    async def memory_usage(self) -> int:
        """Return about how many bytes of Redis memory the set takes, estimated from a sample."""
        return await queues.memory_usage(self._key)

    @operation
    async def clear(self) -> int:
        """Delete every job; returns how many there were."""
        return await jobsets.clear(self._key)

    @operation
    async def delete_all(self) -> int:
        """Delete every job; returns how many there were."""
        return await jobsets.clear(self._key)

    @operation
    async def retry_all(self) -> int:
        """Move every job to its queue, through the client middleware; returns how many. Uses up no retries."""
        return await moves.enqueue_all(self.config, self._key, take_back=True)

    @operation
    async def add_all_to_queue(self) -> int:
        """Move every job to its queue, through the client middleware, as if it were due; returns how many."""
        return await moves.enqueue_all(self.config, self._key, take_back=False)

    @operation
    async def kill_all(self, *, notify_failure: bool = False, ex: BaseException | None = None) -> int:
        """Move every job to the dead set, which is trimmed once; returns how many.

        `notify_failure` tells the death handlers of each, with `ex` as the reason.
        """
        return await moves.kill_all(self.config, self._key, notify_failure=notify_failure, ex=ex)

    def as_json(self) -> dict[str, str]:
        """Return its name, as a dict."""
        return {"name": self.name}

    def _entries(self, found: list[tuple[bytes, float]]) -> list[E]:
        return [self._entry(raw, score, self._key, config=self.config) for raw, score in found]

    def _walk(self) -> Callable[[], Plan[list[E] | None]]:
        walk = jobsets.Walk(self._key)

        async def following() -> list[E] | None:
            found = await walk.next()
            return None if found is None else self._entries(found)

        return following


class _DeadSet(_JobSet[E]):
    """Jobs that will not run again unless someone sends them back; the newest dead first.

    It keeps `Config.dead_max_jobs` less one, and none older than `Config.dead_timeout`. Sidekiq's DeadSet.
    """

    _key = keys.dead()
    _ascending = False

    @operation
    async def kill(
        self, job: str | bytes, *, notify_failure: bool = True, trim: bool = True, ex: BaseException | None = None
    ) -> bool:
        """Add a payload (its JSON), dead from now on; returns True. Sidekiq's DeadSet#kill.

        `trim` then drops the jobs beyond the set's limits. `notify_failure` tells the death handlers, with `ex` as
        the reason.
        """
        now = time.time()
        raw = job.encode(errors="surrogateescape") if isinstance(job, str) else job
        await jobsets.bury(raw, now)
        if trim:
            await jobsets.trim_dead(now, self.config.dead_limits)
        if notify_failure:
            moves.notify(self.config, Stored(raw), ex or JobKilled("Job killed by API"))
        return True

    @operation
    async def trim(self) -> bool:
        """Drop the jobs beyond the limits; returns True."""
        await jobsets.trim_dead(time.time(), self.config.dead_limits)
        return True

    @staticmethod
    def max_jobs(config: Config | None = None) -> int:
        """Return how many jobs the dead set keeps."""
        return (config or default_config()).dead_max_jobs

    @staticmethod
    def timeout(config: Config | None = None) -> float:
        """Return how many seconds the dead set keeps a job."""
        return (config or default_config()).dead_timeout


class JobSet(_JobSet[SortedEntry], SyncCollection[SortedEntry], Selectable[SetSelection]):
    _entry = SortedEntry

    def _select(self, chosen: Filter) -> SetSelection:
        return SetSelection(self._key, chosen, config=self.config)

    def pop_each(self) -> Iterator[SortedEntry]:
        """Take the entries out one by one, lowest score first, at most as many as there are now.

        An entry that was taken is no longer in Redis. One round trip each. Sidekiq's pop_each.
        """
        for _ in range(self.size()):
            if (popped := self._run(jobsets.pop(self._key))) is None:
                return
            yield self._entries([popped])[0]


class AsyncJobSet(_JobSet[AsyncSortedEntry], AsyncIterable[AsyncSortedEntry], Selectable[AsyncSetSelection]):
    _entry = AsyncSortedEntry

    def _select(self, chosen: Filter) -> AsyncSetSelection:
        return AsyncSetSelection(self._key, chosen, config=self.config)

    async def pop_each(self) -> AsyncIterator[AsyncSortedEntry]:
        """As `JobSet.pop_each`."""
        for _ in range(await self.size()):
            if (popped := await self._run(jobsets.pop(self._key))) is None:
                return
            yield self._entries([popped])[0]


class ScheduledSet(JobSet):
    """Jobs for later, by the time they are due; iterates from the latest down. Sidekiq's ScheduledSet.

    Verbs for the whole set move each job in one atomic step, in batches of 500. `JobSet` tells more.
    """

    _key = keys.schedule()


class AsyncScheduledSet(AsyncJobSet):
    """Jobs for later, by the time they are due; iterates from the latest down. Sidekiq's ScheduledSet.

    Verbs for the whole set move each job in one atomic step, in batches of 500. `JobSet` tells more.
    """

    _key = keys.schedule()


class RetrySet(JobSet):
    """Jobs that failed, by the time of their next try; iterates from the latest down. Sidekiq's RetrySet.

    Verbs for the whole set move each job in one atomic step, in batches of 500. `JobSet` tells more.
    """

    _key = keys.retry()


class AsyncRetrySet(AsyncJobSet):
    """Jobs that failed, by the time of their next try; iterates from the latest down. Sidekiq's RetrySet.

    Verbs for the whole set move each job in one atomic step, in batches of 500. `JobSet` tells more.
    """

    _key = keys.retry()


class DeadSet(_DeadSet[SortedEntry], JobSet): ...


class AsyncDeadSet(_DeadSet[AsyncSortedEntry], AsyncJobSet): ...
