"""A job that was pushed and has not run, for a test to look at."""

import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, cast

from teep.api.base import SyncApi
from teep.api.jobs.records import _JobRecord
from teep.client.delivery import test_mode
from teep.client.payloads.rewrite import again
from teep.client.times import shown
from teep.config import Config
from teep.features.expiry import expiry
from teep.job.definition import Definition, find
from teep.job.inline import run, run_async
from teep.store import results
from teep.store.jobs.jobsets import Verdict
from teep.store.jobs.pushes import Push
from teep.wire import options, payload
from teep.wire.payload import Item
from teep.wire.stored import Stored


class EnqueuedJob(_JobRecord, SyncApi):
    """A job that was pushed: a record like those of the data API, its arguments as they came out of JSON.

    `score` is when it is due (epoch seconds), or None if it waits in its queue. `waits_for_limit` tells whether that
    is when a limit of its own lets it in.
    """

    waits_for_limit = False
    snoozed_in = 0  # the round of the test's in which it asked to come again

    def __init__(self, raw: bytes, score: float | None = None, *, config: Config | None = None) -> None:
        super().__init__(raw, config=config)
        self.score = score

    @property
    def at(self) -> datetime | None:
        """When it is due, or None if it waits in its queue."""
        return None if self.score is None else shown(self.score)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword-only arguments."""
        kwargs = self.item.get("kwargs")
        return kwargs if isinstance(kwargs, dict) else {}

    def run(self) -> None:
        """Run it here and now, through the server middleware; its errors are raised here. An expired one is dropped.

        Raises:
            OverLimit: a limit of it is reached.
            UnknownJob: no imported module defines it.
            NotHere: it is an async job, and a loop runs in this thread.
        """
        if (raw := self._when_due()) is not None:
            definition, item = find(self.klass), payload.parse(raw)
            with self._within(definition, item):
                _keep(item, run(self.config, definition, item))

    async def run_async(self) -> None:
        """As `run`, on the running loop."""
        if (raw := self._when_due()) is not None:
            definition, item = find(self.klass), payload.parse(raw)
            with self._within(definition, item):
                _keep(item, await run_async(self.config, definition, item))

    def _within(self, definition: Definition, item: Item) -> AbstractContextManager[None]:
        """Return the inside of its limits, which are those of the mode that the test has entered.

        One that waits for its limit, and that a test runs before its time, runs as if that had come.
        """
        is_early = self.waits_for_limit and self.score is not None and self.score > time.time()
        if is_early or not definition.is_limited:
            return nullcontext()
        from teep.features.limits import memory  # noqa: PLC0415 - few jobs have limits

        return memory.holding(cast("Any", definition.options.limits), item)

    def _when_due(self) -> bytes | None:
        """Return the payload as a worker gets it: a scheduled job goes through the client middleware once more."""
        until = expiry(self.item)
        if until is not None and until <= time.time():
            return None
        if self.score is None:
            return self.raw
        verdict = again(self.config, Stored(self.raw), take_back=False)
        return None if isinstance(verdict, Verdict) else verdict.raw

    def __str__(self) -> str:
        kwargs = f" kwargs={self.kwargs}" if self.kwargs else ""
        when = "" if self.at is None else f" at {self.at:%Y-%m-%d %H:%M:%S.%f%z}"
        return f"{self.display_class} args={self.display_args}{kwargs} queue={self.queue!r}{when}"


def _keep(item: Item, value: Any) -> None:
    """Keep what a job returned for `teep.result`, in the mode that the test has entered."""
    mode = test_mode.current()
    if mode is not None and options.seconds(item.get(results.FIELD)) is not None:
        mode.results[item["jid"]], _ = results.succeeded(value)


def enqueued_of(config: Config, push: Push) -> list[EnqueuedJob]:
    """Return the jobs of a push, those of a queue in the order in which they were pushed."""
    queued = [EnqueuedJob(raw, config=config) for raws in push.now.values() for raw in raws]
    return queued + [EnqueuedJob(raw, at, config=config) for at, raw in push.later]
