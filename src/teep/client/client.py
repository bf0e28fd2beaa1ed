"""The client: pushes payloads, one or many, now or for later."""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from teep.client import blocking, sessions
from teep.client.delivery import blocks, kept_out, routes
from teep.client.payloads.bulk import Bulk
from teep.client.payloads.push import is_transactional, prepare, push_of
from teep.client.payloads.template import Template
from teep.client.times import due
from teep.config import Config, async_driver_for, default_config, driver_for
from teep.drivers.operation import AsyncSide, SyncSide, operation
from teep.drivers.plans import Late, run_plan, run_plan_async
from teep.errors import InvalidType, TeepError
from teep.store.jobs.pushes import Push
from teep.store.running import cancellation
from teep.store.running.cancellation import Where
from teep.wire.command import Plan

T = TypeVar("T")


class Enqueueable(Protocol):
    """A job as the client sees it: something that turns arguments into a payload."""

    def to_payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]: ...


class BoundJob(ABC):
    """A job with its arguments as the client sees it: a `teep.Signature`."""

    __slots__ = ()

    @property
    @abstractmethod
    def due(self) -> float | timedelta | None:
        """When a push of it is due: epoch seconds, or an interval that counts from the push; None: at once."""

    @abstractmethod
    def to_payload(self, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the payload of a push now. It takes no further arguments."""


class _Client:
    """The operations of both clients.

    1. A payload gets its defaults, is checked, goes through the client middleware and is written as Ruby would.
    2. It is sent in one round trip; a bulk push takes one a slice of 1000 jobs.
    3. If `transactional_push` of an integration was called and a transaction is open, it is sent after the commit
       instead, unless the payload says `"transactional": False`. Sidekiq's TransactionAwareClient.

    Raises:
        InvalidJob, InvalidArguments: before anything is sent.
        RedisUnavailable: the answer was lost; the job may or may not have been pushed, so it is not sent twice.
    """

    _driver_for: ClassVar[Any]  # a function from the configuration to its driver

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or default_config()
        self._late = Late(partial(self._driver_for, self.config))

    @operation
    async def push(self, item: Mapping[str, Any] | BoundJob) -> str | None:
        """Push one payload, such as `{"class": "SomeRubyWorker", "args": [1], "queue": "x"}`, or a signature.

        `at` (epoch seconds) schedules it. Returns the jid, or None if a middleware stopped it or an identical job
        has the lock (`unique_for`). One round trip. Sidekiq's Client#push.
        """
        return await _send_one(self.config, item.to_payload() if isinstance(item, BoundJob) else item)

    @operation
    async def _push_alike(self, template: Template, args: list[Any]) -> str:
        """Push a job that no middleware or feature looks at, in half the time of `push`; see `Template.holds`."""
        jid, push = template.push(args)
        sessions.tell(template.name)
        await routes.deliver(self.config, push)
        return jid

    @operation
    async def push_bulk(self, items: Mapping[str, Any]) -> list[str | None]:
        """Push one job for each argument list in `items["args"]`, any iterable, read lazily.

        `at`: one time or one for each (epoch seconds). `spread_interval`: seconds over which the jobs are spread
        at random. `batch_size`: jobs a round trip, at most 1000. Returns the jids, None for a job that was stopped.
        If it fails half-way, the error says how many were pushed, and has their jids (`pushed`).
        Sidekiq's Client#push_bulk.
        """
        jids: list[str | None] = []
        bulk = Bulk(self.config, blocks.marked_bulk(self.config, items))
        sessions.tell(items["class"])
        try:
            for made, push in bulk.slices():
                kept = () if push is None else await _deliver(self.config, push)
                jids.extend([None if jid in kept else jid for jid in made] if kept else made)
        except Exception as error:
            if not blocks.is_inside():  # else they are only collected
                _tell_pushed(error, jids)
            raise
        return jids

    @operation
    async def enqueue(self, job: Enqueueable, /, *args: Any, **kwargs: Any) -> str | None:
        """Push a job with its arguments."""
        return await _send_one(self.config, _item(job, args, kwargs))

    @operation
    async def enqueue_to(self, queue: str, job: Enqueueable, /, *args: Any, **kwargs: Any) -> str | None:
        """Push a job to another queue than its own."""
        return await _send_one(self.config, _item(job, args, kwargs) | {"queue": queue})

    @operation
    async def enqueue_in(
        self, interval: float | timedelta, job: Enqueueable, /, *args: Any, **kwargs: Any
    ) -> str | None:
        """Push a job for later: `interval` is seconds or a timedelta."""
        return await _send_one(self.config, _item(job, args, kwargs) | {"at": due(interval)})

    @operation
    async def enqueue_to_in(
        self, queue: str, interval: float | timedelta, job: Enqueueable, /, *args: Any, **kwargs: Any
    ) -> str | None:
        """Push a job for later, to another queue than its own."""
        return await _send_one(self.config, _item(job, args, kwargs) | {"queue": queue, "at": due(interval)})

    @operation
    async def cancel(self, jid: str | None) -> Where | None:
        """Cancel a job: a waiting one is removed, a running one is told to end, at any teep process on any host.

        `jid` is the result of its push; None, of a job that was not pushed, is found nowhere.

        Returns where it was: "queued", "scheduled" or "retrying" (it is removed), or "working" (its process was told;
        `current_job().cancelled` turns true at once, and it is interrupted within two seconds). None: it has
        finished, is dead, never was, or runs at a Ruby process, where only iterable jobs hear of it. A cancelled job
        is neither retried nor dead, and death handlers do not hear of it. Cancelling twice, or a job that just
        finishes, is harmless. Sidekiq's Client#cancel!, which is for iterable jobs only.

        Costs five round trips, a message a process, and a search through sets and queues as `teep.find_job` does.
        The processes remember it for ten minutes, and Redis for an hour on behalf of iterable jobs: one pushed anew
        under that jid meanwhile is cancelled as well.

        Raises:
            RedisError: it is not known how far it came; call again.
        """
        return None if jid is None else await cancellation.cancel(jid, int(time.time()))


def _running_loop_at_first() -> object:
    """Return the running loop: None while asyncio is not loaded. Then asyncio's own function replaces this one."""
    global _running_loop  # noqa: PLW0603 - so that a push has no more calls than it needs
    if "asyncio" not in sys.modules:
        return None
    from asyncio import _get_running_loop  # noqa: PLC0415 - see teep.drivers

    _running_loop = _get_running_loop
    return _running_loop()


_running_loop: Callable[[], object] = _running_loop_at_first


class Client(_Client, SyncSide):
    """Pushes jobs; `AsyncClient` does so from asyncio. Sidekiq's Client.

    Functions and classes that are jobs push themselves (`resize.perform_async(42)`). A client pushes raw payloads, to
    the Redis of its own configuration, and cancels jobs.

    Args:
        config: which Redis, which middleware and which defaults; default: the process-wide configuration.
    """

    _driver_for = staticmethod(driver_for)

    def _run(self, plan: Plan[T]) -> T:
        if _running_loop() is not None:
            blocking.check(plan, warns=routes.is_plain() and self.config.environment != "production")
        return run_plan(plan, self._late)


class AsyncClient(_Client, AsyncSide):
    """Pushes jobs from asyncio, as `Client` does from threads."""

    _driver_for = staticmethod(async_driver_for)

    def _run(self, plan: Plan[T]) -> Coroutine[Any, Any, T]:
        return run_plan_async(plan, self._late)


async def _send_one(config: Config, item: Mapping[str, Any]) -> str | None:
    job = prepare(config, blocks.marked(config, item))
    if job is None:
        return None
    sessions.tell(item["class"])
    kept = await _deliver(config, push_of([job], transactional=is_transactional(config, item)))
    return None if job.jid in kept else job.jid


async def _deliver(config: Config, push: Push) -> Collection[str]:
    """Send a push in one round trip; returns the jids of the jobs that were kept out."""
    not_pushed = await routes.deliver(config, push)
    return kept_out.tell(not_pushed) if not_pushed else ()


def _item(job: Enqueueable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    if not hasattr(job, "to_payload"):
        raise InvalidType(f"{job!r:.200} is no job; make it one with @teep.job, or push a payload")
    return job.to_payload(args, kwargs)


def _tell_pushed(error: Exception, jids: Sequence[str | None]) -> None:
    """Have an error of a bulk push say which jobs are pushed, so that nobody pushes them again."""
    if not jids:
        return
    done = f"the first {len(jids)} jobs of this bulk push are pushed"
    if isinstance(error, TeepError):
        error.pushed = jids
        error.args = (f"{error}; {done}", *error.args[1:])
    else:
        error.add_note(done)
