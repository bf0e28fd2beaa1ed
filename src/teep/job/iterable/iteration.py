"""One run of an iterable job: from its cursor on until it is over (done, aborted or cancelled) or interrupted.

1. The place that the last run saved says where to begin.
2. Before each item it looks whether to stop, and every 5 seconds it saves where it is. A later run saves before its
   first item, too; a first one only if someone could tell that it began.
3. If it is interrupted, it saves and has the job returned to its queue. If it is over, the saved place is removed in
   the step that acknowledges the job. If it fails, it saves.

One body serves `def` and `async def` jobs. For a `def` job nothing in it ever waits, and `run` takes it to its end in
one go. Outside of a worker a job runs whole, and Redis is not used.
"""

import inspect
import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Generator
from functools import partial
from typing import Any, Protocol

from teep.clock import monotonic
from teep.errors import InvalidJob, JobCancelled, RedisRefused, RedisUnavailable
from teep.job.context import current_job, runtime
from teep.job.iterable.checkpoints import Checkpoints, NoCheckpoints
from teep.store import features
from teep.store.running.iteration import Held
from teep.telling import INTERRUPTIONS, Logger
from teep.wire import json, options, payload

# Seconds between two checkpoints, as in Sidekiq.
CHECKPOINT_SECONDS = 5.0
_END = object()

logger = Logger("teep.job", passing=INTERRUPTIONS)


class Aborted(BaseException):
    """Raised by `IterableJob.abort`; no `except Exception` of a job should hold it up."""


class Steps(Protocol):
    """The methods of an iterable job; in an `async def` job each may be `async def`."""

    def build_enumerator(self, *args: Any, cursor: Any, **kwargs: Any) -> Any: ...
    def each_iteration(self, item: Any, /, *args: Any, **kwargs: Any) -> Any: ...
    def around_iteration(self) -> Any: ...
    def on_start(self) -> Any: ...
    def on_resume(self) -> Any: ...
    def on_stop(self) -> Any: ...
    def on_cancel(self) -> Any: ...
    def on_complete(self) -> Any: ...


class Iteration:
    """A run: its place (`item` and its `cursor`, the first being the one to begin with), and the way through it.

    `tells_its_start`: the job has something of its own to do when it starts for the first time.
    """

    def __init__(self, job: Steps, args: tuple[Any, ...], kwargs: dict[str, Any], *, tells_its_start: bool) -> None:
        self.args = args
        self.cursor: Any = None
        self.item: Any = None
        self._kwargs = kwargs
        self._job = job
        self._tells_its_start = tells_its_start
        self._is_async = inspect.iscoroutinefunction(job.each_iteration)
        self._context = current_job()
        # A job that runs inline has no run that a worker knows of, even if it runs inside of a worker's job.
        has_run = self._context is not None and self._context.run is not None
        self._worker = runtime.get() if has_run else None
        self._checkpoints = self._own_checkpoints()
        self._executions = 0
        self._is_first = True
        self._is_cancelled = False
        self._is_checked = False
        self._seconds_before = 0.0
        # When the last item was done. Time is up only then, so that each run does one item at least.
        self._began = self._done_at = monotonic()
        self._has_come_on = False
        self._makes_way_at = self._began + self._most_seconds()
        self._saves_at = self._began + CHECKPOINT_SECONDS

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was cancelled, by itself or by others."""
        return self._is_cancelled or (self._context is not None and self._context.cancelled)

    def cancel(self) -> None:
        """End the job before its next item, as cancelled."""
        self._is_cancelled = True

    def run(self) -> Coroutine[Any, Any, None] | None:
        """Run the job, and return None; for an `async def` job, return the coroutine that does."""
        whole = self._run()
        if self._is_async:
            return whole
        try:
            whole.send(None)
        except StopIteration:
            return None
        whole.close()
        raise InvalidJob(
            f"{type(self._job).__qualname__} waits for something, so its each_iteration must be async def"
        )

    async def _run(self) -> None:
        is_over = await self._resume() and await self._begin()
        if self._context is None or self._context.run is None:
            return
        if is_over:
            logger.debug("Completed iteration. executions=%d runtime=%.3f", self._executions, self._seconds)
            self._context.run.end_for_good()
        else:
            logger.debug("Interrupting job (cursor=%r)", self.cursor)
            self._context.run.put_back()

    async def _begin(self) -> bool:
        """Go on from the known place; True if the job is over, False if it is to go on later."""
        job = self._job
        items = await _awaited(job.build_enumerator(*self.args, cursor=self.cursor, **self._kwargs))
        if items is None:
            return True
        await _awaited(job.on_start() if self._is_first else job.on_resume())
        try:
            is_over = await self._iterate(items)
            await _awaited(job.on_stop())
            if is_over:
                await _awaited(job.on_complete())
        except BaseException:
            await self._save()
            raise
        return is_over

    async def _resume(self) -> bool:
        """Find out where to begin; False if Redis cannot tell now, so that the job must run again later."""
        try:
            state = await self._checkpoints.load()
        except (RedisUnavailable, RedisRefused) as error:
            logger.warning("an iterable job returns to its queue, as its place cannot be read: %s", error)
            return False
        self._is_first = state.executions == 0
        # A process that died may have begun it and saved nothing. Should it live on, its saves must not count.
        before = 0 if self._context is None else payload.rescues(self._context.payload)
        self._executions = max(state.executions, before) + 1
        self._is_cancelled = self._is_cancelled or state.cancelled is not None
        self._seconds_before = state.runtime
        self.cursor = None if state.cursor is None else json.loads(state.cursor)
        return True

    async def _iterate(self, items: Any) -> bool:
        """Go through the items; its result is that of `_begin`."""
        import asyncio  # noqa: PLC0415 - see teep.drivers

        try:
            is_over = await self._through(aiter(items) if isinstance(items, AsyncIterable) else iter(items))
        except Aborted:
            return True
        except (JobCancelled, asyncio.CancelledError):
            if not self.is_cancelled:
                raise
            is_over = True
        finally:
            await _close(items)
        if self.is_cancelled:
            await _awaited(self._job.on_cancel())
        return is_over

    async def _through(self, source: Any) -> bool:
        waits = isinstance(source, AsyncIterator)
        advance: Callable[[], Any] = partial(anext if waits else next, source, _END)
        if self._saves_first and not await self._save():
            return False
        while not self.is_cancelled and (pair := await advance() if waits else advance()) is not _END:
            self._arrive(pair)
            is_to_stop = self._is_to_stop
            if (is_to_stop or self._done_at >= self._saves_at) and (not await self._save() or is_to_stop):
                return self.is_cancelled
            if not self.is_cancelled:
                await self._do()
        if self.item is None and not self._has_come_on and not self.is_cancelled:
            logger.debug("Enumerator found nothing to iterate!")
        return True

    @property
    def _saves_first(self) -> bool:
        """Whether to save before the first item.

        If the first run of a job ends before its first checkpoint, nothing tells later that it began. So one does
        without if that changes nothing: most jobs that take less than 5 seconds never save.
        """
        if self._executions > 1 or self._context is None:
            return True
        return self._tells_its_start or features.wants_before(self._context.payload)

    def _arrive(self, pair: Any) -> None:
        try:
            self.item, self.cursor = pair
        except (TypeError, ValueError):
            raise InvalidJob(f"an enumerator must give pairs of an item and its cursor, not {pair!r}") from None
        if not self._is_checked:  # told at the first item, not only after five seconds
            json.check(self.cursor, "the cursor")
            self._is_checked = True

    @property
    def _is_to_stop(self) -> bool:
        """Whether to make way: the worker stops, or this run's time was up when its last item was done."""
        return self._worker is not None and (
            self._worker.is_stopping or (self._has_come_on and self._done_at >= self._makes_way_at)
        )

    @property
    def _seconds(self) -> float:
        """How long this run and those before it took so far."""
        return self._seconds_before + monotonic() - self._began

    async def _save(self) -> bool:
        """Save the cursor; False if another run has the job: this process was taken for dead, its jobs rescued."""
        now = monotonic()
        self._saves_at = now + CHECKPOINT_SECONDS
        saved = await self._checkpoints.save(self._executions, self.cursor, self._seconds)
        self._is_cancelled = self._is_cancelled or saved.cancelled
        return saved.written

    async def _do(self) -> None:
        around = self._job.around_iteration()
        if around is None:
            await self._call()
        elif hasattr(around, "__aenter__"):
            async with around:
                await self._call()
        else:
            with around:
                await self._call()
        began, self._done_at = self._done_at, monotonic()
        self._has_come_on = True
        if self._worker is not None and self._done_at - began > self._worker.config.timeout:
            logger.warning(
                "an item of %s took %.0f s, longer than a stop waits (%.0f s), which would interrupt it",
                type(self._job).__qualname__, self._done_at - began, self._worker.config.timeout,
            )  # fmt: skip

    async def _call(self) -> None:
        await _awaited(self._job.each_iteration(self.item, *self.args, **self._kwargs))

    def _own_checkpoints(self) -> NoCheckpoints:
        if self._worker is None or self._context is None or self._context.run is None:
            return NoCheckpoints()
        run = self._context.run
        held = Held(run.queue, self._worker.identity, run.raw)
        return Checkpoints(self._worker.config, self._context.jid, run.place, held, is_async=self._is_async)

    def _most_seconds(self) -> float:
        if self._worker is None or self._context is None:
            return math.inf
        own = options.seconds(self._context.payload.get("max_iteration_runtime"))
        return own or self._worker.config.max_iteration_runtime or math.inf


async def _awaited(outcome: Any) -> Any:
    if outcome is None:  # by far the most; to find out whether anything else can be awaited takes long
        return None
    return await outcome if inspect.isawaitable(outcome) else outcome


async def _close(items: Any) -> None:
    """Let a generator release its resources, such as an open file, before anything else happens."""
    if isinstance(items, AsyncGenerator):
        await items.aclose()
    elif isinstance(items, Generator):
        items.close()
