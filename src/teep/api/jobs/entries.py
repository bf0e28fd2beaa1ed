"""A job in the scheduled, retry or dead set, and the verbs for it."""

from datetime import datetime
from typing import Any

from teep.api.base import AsyncApi, SyncApi
from teep.api.jobs import moves
from teep.api.jobs.records import _JobRecord
from teep.client.payloads.rewrite import changed
from teep.client.times import epoch, shown
from teep.config import Config
from teep.drivers.operation import operation
from teep.store.jobs import jobsets
from teep.wire.keys import Key
from teep.wire.stored import Stored


class _SortedEntry(_JobRecord):
    """A job with its time. Each verb is one atomic step on its exact bytes; True if the job was still there.

    Sidekiq's SortedEntry. `score` is its time in epoch seconds, `key` the set it lies in.
    """

    score: float
    key: Key

    def __init__(self, raw: bytes | Stored, score: float, key: Key, *, config: Config | None = None) -> None:
        super().__init__(raw, config=config)
        self.score = score
        self.key = key

    @property
    def id(self) -> str:
        """Its name on a web page: `score|jid`."""
        return f"{self.score!r}|{self.jid}"

    @property
    def at(self) -> datetime:
        """Its score as a time: when it is due, or in the dead set when it died."""
        return shown(self.score)

    @property
    def is_error(self) -> bool:
        """Whether it carries an error."""
        return bool(self.item.get("error_class"))

    @operation
    async def delete(self) -> bool:
        """Remove it for good."""
        return await jobsets.delete(self.key, self.raw)

    @operation
    async def update(self, /, **fields: Any) -> bool:
        """Change fields of the payload, such as `update(args=[2])`; False if the entry is gone or has changed.

        A value of `None` takes the field out. This entry then shows the new payload.

        Raises:
            InvalidArguments, InvalidJob, MalformedPayload: nothing was changed.
        """
        new = changed(self.raw, fields)
        done = await jobsets.replace(self.key, self.raw, new)
        if done:
            self._become(new)
        return done

    @operation
    async def reschedule(self, at: datetime | float) -> bool:
        """Change its time to a datetime or epoch seconds; the payload stays byte for byte."""
        self.score = epoch(at)
        return await jobsets.reschedule(self.key, self.raw, self.score)

    @operation
    async def add_to_queue(self) -> bool:
        """Move it to its queue now, through the client middleware."""
        return await moves.enqueue(self.config, self.key, self.raw, take_back=False)

    @operation
    async def retry(self) -> bool:
        """Move it to its queue now; this does not use up one of its retries."""
        return await moves.enqueue(self.config, self.key, self.raw, take_back=True)

    @operation
    async def kill(self) -> bool:
        """Move it to the dead set, tell the death handlers, and trim the set."""
        return await moves.kill(self.config, self.key, self.raw)


class SortedEntry(_SortedEntry, SyncApi): ...


class AsyncSortedEntry(_SortedEntry, AsyncApi): ...
