"""A job as it lies in a queue."""

import time
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from teep.api.base import Api, AsyncApi, SyncApi
from teep.api.display import display_args, display_class
from teep.api.jobs import moves
from teep.api.jobs.iterable_state import IterableState, state_of
from teep.client.payloads.rewrite import changed, moved_to
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import MalformedPayload
from teep.store.jobs import locks, queues
from teep.store.jobs.locks import Lock as UniqueLock
from teep.store.running import iteration
from teep.wire import commands, keys, payload
from teep.wire.fields import backtrace
from teep.wire.payload import Item
from teep.wire.stored import Stored


class _JobRecord(Api):
    """The base of a job in a queue, a set or a process: its bytes, decoded at their first use."""

    position: int | None = None
    """About where it lay in its queue, counted from the oldest job, if a page by cursor gave it."""

    def __init__(self, raw: bytes | Stored, queue: str | None = None, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._stored = raw if isinstance(raw, Stored) else Stored(raw)
        self._queue = queue

    @property
    def raw(self) -> bytes:
        """The bytes exactly as they lie in Redis."""
        return self._stored.raw

    @property
    def is_job(self) -> bool:
        """Whether it is a job: JSON with a `class` string and an `args` array. No queue takes anything else."""
        return self._stored.item is not None

    @property
    def digest(self) -> str:
        """16 hex digits that name its bytes, where its jid does not: it has none, or others have the same."""
        from hashlib import sha256  # noqa: PLC0415 - no program loads it that never asks

        return sha256(self.raw).hexdigest()[:16]

    @property
    def value(self) -> str:
        """The JSON exactly as it lies in Redis; bytes that are not UTF-8 come as surrogate escapes."""
        return self.raw.decode(errors="surrogateescape")

    @property
    def item(self) -> Item:
        """The parsed payload, with every field; {} if the bytes are no JSON object."""
        return self._stored.fields

    def __getitem__(self, name: str) -> Any:
        """Return a field of the payload, or None."""
        return self.item.get(name)

    @property
    def klass(self) -> str:
        """The payload's `class`."""
        return str(self.item.get("class", ""))

    @property
    def display_class(self) -> str:
        """The class to show, without ActiveJob's wrapping."""
        return display_class(self.item)

    @property
    def args(self) -> list[Any]:
        args = self.item.get("args")
        return args if isinstance(args, list) else [self.value]

    @property
    def display_args(self) -> list[Any]:
        """The arguments to show: ActiveJob's unwrapped, an encrypted one masked."""
        return display_args(self.item, self.args)

    @property
    def jid(self) -> str:
        return str(self.item.get("jid", ""))

    @property
    def bid(self) -> str | None:
        return self.item.get("bid")

    @property
    def queue(self) -> str:
        """The queue it lies in, else the one it names."""
        return self._queue or str(self.item.get("queue", "default"))

    @property
    def tags(self) -> list[str]:
        tags = self.item.get("tags")
        return tags if isinstance(tags, list) else []

    @property
    def created_at(self) -> datetime | None:
        return self._time("created_at")

    @property
    def enqueued_at(self) -> datetime | None:
        return self._time("enqueued_at")

    @property
    def failed_at(self) -> datetime | None:
        return self._time("failed_at")

    @property
    def retried_at(self) -> datetime | None:
        return self._time("retried_at")

    @property
    def error_class(self) -> str | None:
        return self.item.get("error_class")

    @property
    def error_message(self) -> str | None:
        return self.item.get("error_message")

    @cached_property
    def error_backtrace(self) -> list[str] | None:
        """The stored backtrace, innermost line first, or None if there is none, or it cannot be read."""
        stored = self.item.get("error_backtrace")
        if isinstance(stored, list):  # Sidekiq 5 and older kept the lines as they are
            return [str(line) for line in stored]
        try:
            return backtrace.unpack(stored) if isinstance(stored, str) else None
        except MalformedPayload:
            return None

    @property
    def retry_count(self) -> int | None:
        """How often it was retried: 0 after the first failure, None before."""
        count = self.item.get("retry_count")
        return count if type(count) is int else None

    @property
    def tries(self) -> int | None:
        """How often it has run and failed; None before the first failure."""
        return None if self.retry_count is None else self.retry_count + 1

    @property
    def latency(self) -> float:
        """Seconds since it was enqueued, else created."""
        return payload.latency(self.item, time.time())

    @operation
    async def iterable_state(self) -> IterableState | None:
        """Return the state of an iterable job, or None if it has none. One round trip."""
        return state_of(self.jid, await iteration.state(self.jid))

    @operation
    async def unique_lock(self) -> UniqueLock | None:
        """Return the lock that keeps jobs like this one out, or None: it is free, or this job has none.

        One round trip.
        """
        digest = self._lock
        return None if digest is None else await locks.read(digest)

    @operation
    async def free_lock(self) -> bool:
        """Let the next job in that is like this one; False if no job had the lock. Two round trips."""
        digest = self._lock
        lock = None if digest is None else await locks.read(digest)
        if digest is None or lock is None:
            return False
        await locks.free(digest, lock.holder)
        return True

    @property
    def _lock(self) -> str | None:
        digest = self.item.get("unique_lock")
        return digest if isinstance(digest, str) and digest else None  # another producer may have put anything there

    def _time(self, field: str) -> datetime | None:
        seconds = payload.read_stamp(self.item.get(field))
        try:
            return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):  # beyond the calendar: no time that anyone meant
            return None

    def _become(self, raw: bytes) -> None:
        """Show other bytes from now on."""
        self._stored = Stored(raw)
        self.__dict__.pop("error_backtrace", None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.display_class} {self.jid}>"


def names_of(raw: bytes) -> tuple[str, str]:
    """Return what names a job in a list: its jid and its digest."""
    record = _JobRecord(raw)
    return record.jid, record.digest


class _QueuedRecord(_JobRecord):
    """A job in a queue, as it was when it was read; nothing is read again. Its JSON is decoded at its first use.

    Bytes that are no job are shown too, with `is_job` false. `item` then has the fields of any JSON object, and
    `args` holds the raw string if there is no array of arguments. Sidekiq's JobRecord.
    """

    @operation
    async def delete(self) -> bool:
        """Remove it from its queue by its exact bytes; True if it was still there. O(n) in Redis."""
        return await queues.delete(self.queue, self.raw)

    @operation
    async def move_to(self, queue: str) -> bool:
        """Move it to another queue, behind what waits there; True where it was still there. O(n) in Redis.

        Bytes that are no job go as they are.
        """
        new = moved_to(self._stored, queue)
        done = await self._take_out(queues.Destination("list", keys.queue(queue), queue), new, 0.0)
        if done:
            self._queue = queue
            self._become(new)
        return done

    @operation
    async def kill(self) -> bool:
        """Move it to the dead set, tell the death handlers, and trim the set; True if it was still there.

        By its exact bytes, so another job with the same jid stays. O(n) in Redis. Sidekiq has this for sets only.
        """
        now = time.time()
        killed = await self._take_out(queues.DEAD, self.raw, now)
        if killed:
            await moves.buried(self.config, self._stored, now)
        return killed

    @operation
    async def update(self, /, **fields: Any) -> bool:
        """Change fields of the payload in its place, such as `update(args=[2])`; False if it is gone or changed.

        A value of `None` takes the field out. O(n) in Redis. This record then shows the new payload.

        Raises:
            InvalidArguments, InvalidJob, MalformedPayload: nothing was changed.
        """
        new = changed(self.raw, fields)
        done = await queues.replace(self.queue, self.raw, new)
        if done:
            self._become(new)
        return done

    async def _take_out(self, to: queues.Destination, new: bytes, at: float) -> bool:
        near = max((self.position or 0) - queues.SHIFT, 0), queues.SHIFT
        taken = await queues.take_out(self.queue, near, [(self.raw, new, commands.score(at))], to)
        (done,) = taken.checked()
        return done


class JobRecord(_QueuedRecord, SyncApi): ...


class AsyncJobRecord(_QueuedRecord, AsyncApi): ...
