"""Selections: verbs for all jobs of a queue or set that meet some conditions.

Each verb walks once through the jobs that are there when it starts, in slices inside Redis. It moves the matches in
batches, by scripts that compare and move. A job that someone else takes meanwhile is skipped. A crash between two
batches leaves the rest where it was, and no job is ever in two places. If Redis refuses some jobs, the verb takes the
others and then raises `NotMoved`.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from teep.api.base import Api, AsyncIterable, SyncIterable
from teep.api.jobs import moves
from teep.api.jobs.entries import AsyncSortedEntry, SortedEntry, _SortedEntry
from teep.api.jobs.records import AsyncJobRecord, JobRecord, _JobRecord
from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.api.jobs.selection.cursor import Asked, AskedOfQueue, CursorPage, read_page, read_queue_page
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Act, Chosen, Progress, as_it_is, chosen_of, take_from_queue, take_from_set
from teep.client.payloads.rewrite import moved_to
from teep.client.times import epoch
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import JobKilled
from teep.store.jobs import jobsets, queues
from teep.store.jobs.jobsets import Enqueued
from teep.store.jobs.queues import Destination
from teep.wire import keys
from teep.wire.command import Plan
from teep.wire.keys import Key
from teep.wire.scripts import Place, Way
from teep.wire.stored import Stored

R = TypeVar("R", bound=_JobRecord)
E = TypeVar("E", bound=_SortedEntry)


class _QueueSelection(Api, Generic[R]):
    """The jobs of a queue that meet some conditions.

    Verbs go from the oldest job to the newest and return how many they took; with `dry_run=True` how many they
    would. A step of 500 jobs takes Redis about 5 ms in a queue of 100,000 and up to 30 ms in one of a million: it
    removes from the middle of a list only by searching from an end. `on_progress(done, total)` is called after each
    slice with the jobs looked at; if it returns False, the verb ends there.
    """

    _record: ClassVar[Callable[..., Any]]

    def __init__(self, queue: str, chosen: Filter, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._queue = queue
        self._filter = chosen

    @operation
    async def count(self) -> int:
        """Return how many jobs meet the conditions. One round trip per 500 to 2000 jobs of the queue."""
        return await self._take(queues.NOWHERE, as_it_is, 0.0, (True, None))

    @operation
    async def page(
        self,
        size: int = 25,
        *,
        after: Place | None = None,
        before: Place | None = None,
        reverse: bool = False,
        seconds: float = SEARCH_SECONDS,
    ) -> CursorPage[R]:
        """Return a page of them after or before a place that another page gave, else the first.

        The next to run come first, with `reverse` the newest. A place is a position, which shifts as jobs are taken,
        with `reverse` as they are pushed. A search ends after `seconds`, and only goes forward. One round trip, and
        one more per 2000 jobs searched.
        """
        way: Way = "after" if before is None else "before"
        asked = AskedOfQueue("newest" if reverse else "oldest", way, before or after, size, seconds)

        def record(job: Stored, position: int) -> R:
            made: R = self._record(job, self._queue, config=self.config)
            made.position = position
            return made

        return await read_queue_page(self._queue, self._filter, asked, record)

    @operation
    async def delete_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Delete them."""
        return await self._take(queues.NOWHERE, as_it_is, 0.0, (dry_run, on_progress))

    @operation
    async def kill_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Move them to the dead set, which is trimmed once."""
        now = time.time()
        taken = await self._take(queues.DEAD, as_it_is, now, (dry_run, on_progress))
        if taken and not dry_run:
            await jobsets.trim_dead(now, self.config.dead_limits)
        return taken

    @operation
    async def reschedule_all(
        self, at: datetime | float, *, dry_run: bool = False, on_progress: Progress | None = None
    ) -> int:
        """Move them to the scheduled set, for a datetime or epoch seconds."""
        to = Destination("zset", keys.schedule())
        return await self._take(to, as_it_is, epoch(at), (dry_run, on_progress))

    @operation
    async def move_to(self, queue: str, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Move them to another queue, in their order, behind the jobs that wait there. Changes their `queue`."""
        to = Destination("list", keys.queue(queue), queue)

        def rewrite(stored: Stored) -> bytes:
            return moved_to(stored, queue)

        return await self._take(to, rewrite, 0.0, (dry_run, on_progress))

    async def _take(
        self,
        to: Destination,
        rewrite: Callable[[Stored], bytes],
        at: float,
        how: tuple[bool, Progress | None],
    ) -> int:
        dry_run, on_progress = how
        return await take_from_queue(
            self._queue, self._filter, to, rewrite, at, dry_run=dry_run, on_progress=on_progress
        )

    def _walk(self) -> Callable[[], Plan[list[R] | None]]:
        walk = queues.Walk(self._queue, needles=self._filter.needles)

        async def following() -> list[R] | None:
            raws = await walk.next()
            if raws is None:
                return None
            found = map(Stored, raws)
            return [self._record(job, self._queue, config=self.config) for job in found if self._filter.matches(job)]

        return following


class QueueSelection(_QueueSelection[JobRecord], SyncIterable[JobRecord]):
    _record = JobRecord


class AsyncQueueSelection(_QueueSelection[AsyncJobRecord], AsyncIterable[AsyncJobRecord]):
    _record = AsyncJobRecord


class _SetSelection(Api, Generic[E]):
    """The jobs of a set that meet some conditions.

    Verbs go from the highest score down and return how many they took; with `dry_run=True` how many they would.
    `on_progress(done, total)` is called after each slice with the jobs looked at; if it returns False, the verb ends
    there.
    """

    _entry: ClassVar[Callable[..., Any]]

    def __init__(self, key: Key, chosen: Filter, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._key = key
        self._filter = chosen

    @operation
    async def count(self) -> int:
        """Return how many jobs meet the conditions. One round trip per 500 to 2000 jobs of the set."""
        return await self._each(_counted, dry_run=True, on_progress=None)

    @operation
    async def page(
        self,
        size: int = 25,
        *,
        after: Place | None = None,
        before: Place | None = None,
        reverse: bool = False,
        seconds: float = SEARCH_SECONDS,
    ) -> CursorPage[E]:
        """Return a page of them after or before a place that another page gave, else the first.

        The next due come first, in the dead set the newest; `reverse` turns that order around. A search ends after
        `seconds`, and the page says how far it came. One round trip, and one more per 2000 entries searched.

        Raises:
            InvalidPage: the size is less than 1.
        """
        ascending = (self._key != keys.dead()) is not reverse
        way: Way = "after" if before is None else "before"
        asked = Asked("asc" if ascending else "desc", way, before or after, size, seconds)

        def entry(job: Stored, score: float) -> E:
            return cast("E", self._entry(job, score, self._key, config=self.config))

        return await read_page(self._key, self._filter, asked, entry)

    @operation
    async def delete_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Delete them."""

        async def act(batch: Sequence[Chosen]) -> int:
            return await jobsets.delete_some(self._key, [job.raw for job, _ in batch])

        return await self._each(act, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def retry_all(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Move them to their queues, through the client middleware. Uses up no retries."""

        async def act(batch: Sequence[Chosen]) -> int:
            return await moves.enqueue_some(self.config, self._key, [job for job, _ in batch], take_back=True)

        return await self._each(act, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def add_all_to_queue(self, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Move them to their queues, through the client middleware, as if they were due."""

        async def act(batch: Sequence[Chosen]) -> int:
            return await moves.enqueue_some(self.config, self._key, [job for job, _ in batch], take_back=False)

        return await self._each(act, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def kill_all(
        self, *, notify_failure: bool = False, dry_run: bool = False, on_progress: Progress | None = None
    ) -> int:
        """Move them to the dead set, which is trimmed once; `notify_failure` tells the death handlers of each."""
        now = time.time()

        async def act(batch: Sequence[Chosen]) -> int:
            moved = await jobsets.kill(self._key, [job.raw for job, _ in batch], now)
            for (job, _), was_there in zip(batch, moved.done, strict=True):
                if was_there and notify_failure:
                    moves.notify(self.config, job, JobKilled("Job killed by API"))
            return sum(moved.checked())

        killed = await self._each(act, dry_run=dry_run, on_progress=on_progress)
        if killed and not dry_run:
            await jobsets.trim_dead(now, self.config.dead_limits)
        return killed

    @operation
    async def reschedule_all(
        self, at: datetime | float, *, dry_run: bool = False, on_progress: Progress | None = None
    ) -> int:
        """Change their time to a datetime or epoch seconds; those that have it already are left alone."""
        moment = epoch(at)

        async def act(batch: Sequence[Chosen]) -> int:
            # Those moved below the walk's place are met again there, at their new time.
            moves = [(job.raw, moment, job.raw) for job, score in batch if score != moment]
            return sum((await jobsets.transfer(self._key, self._key, moves)).checked()) if moves else 0

        return await self._each(act, dry_run=dry_run, on_progress=on_progress)

    @operation
    async def move_to(self, queue: str, *, dry_run: bool = False, on_progress: Progress | None = None) -> int:
        """Move them to a queue of your choice, now. Their `queue` and `enqueued_at` fields change.

        Bytes that are no job stay.
        """

        async def act(batch: Sequence[Chosen]) -> int:
            now, unit = time.time(), self.config.timestamps
            jobs = [job for job, _ in batch if job.item is not None]
            moves = [(job.raw, Enqueued(queue, moved_to(job, queue, (now, unit)))) for job in jobs]
            return sum((await jobsets.enqueue(self._key, moves)).checked()) if moves else 0

        return await self._each(act, dry_run=dry_run, on_progress=on_progress)

    async def _each(self, act: Act, *, dry_run: bool, on_progress: Progress | None) -> int:
        return await take_from_set(self._key, self._filter, act, dry_run=dry_run, on_progress=on_progress)

    def _walk(self) -> Callable[[], Plan[list[E] | None]]:
        walk = jobsets.Walk(self._key, needles=self._filter.needles)

        async def following() -> list[E] | None:
            entries = await walk.next()
            if entries is None:
                return None
            return [
                self._entry(job, at, self._key, config=self.config) for job, at in chosen_of(entries, self._filter)
            ]

        return following


class SetSelection(_SetSelection[SortedEntry], SyncIterable[SortedEntry]):
    _entry = SortedEntry


class AsyncSetSelection(_SetSelection[AsyncSortedEntry], AsyncIterable[AsyncSortedEntry]):
    _entry = AsyncSortedEntry


async def _counted(batch: Sequence[Chosen]) -> int:
    return len(batch)
