"""Statistics: counters, sizes, and their history by day."""

import time
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, NamedTuple, Self

from teep.api.base import Api, AsyncApi, SyncApi
from teep.api.jobs.queue import latency_of
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.drivers.operation import operation
from teep.errors import InvalidValue
from teep.store.jobs import queues
from teep.store.statistics import stats

_MOST_DAYS = 5 * 365
# Counters that are teep's own; `fetch_stats_fast` leaves them out, as it returns the same as Sidekiq's.
_OWN = ("expired",)


class QueueSummary(NamedTuple):
    """A queue's name, size (jobs), latency (seconds), and whether it is paused."""

    name: str
    size: int
    latency: float
    paused: bool


class Overdue(NamedTuple):
    """The jobs of a set whose time has come, and how long ago (seconds) that of the first of them came."""

    jobs: int
    seconds: float


class _Snapshot(Api):
    """The counters and sizes at the moment when they were fetched."""

    _fast: dict[str, Any]

    @property
    def processed(self) -> int:
        """Jobs run so far, failed ones included."""
        return int(self._fast["processed"])

    @property
    def failed(self) -> int:
        """Runs that failed so far."""
        return int(self._fast["failed"])

    @property
    def expired(self) -> int:
        """Jobs dropped so far because their `expires_in` was over. They count as processed, not as failed."""
        return int(self._fast["expired"])

    @property
    def scheduled_size(self) -> int:
        """Jobs in the scheduled set."""
        return int(self._fast["scheduled_size"])

    @property
    def retry_size(self) -> int:
        """Jobs in the retry set."""
        return int(self._fast["retry_size"])

    @property
    def dead_size(self) -> int:
        """Jobs in the dead set."""
        return int(self._fast["dead_size"])

    @property
    def processes_size(self) -> int:
        """Processes with a heartbeat; those that just died may be counted."""
        return int(self._fast["processes_size"])

    @property
    def default_queue_latency(self) -> float:
        """Seconds that the default queue's next job has waited."""
        return float(self._fast["default_queue_latency"])

    @operation
    async def queue_summaries(self) -> list[QueueSummary]:
        """Return every queue's summary, largest first. Two round trips."""
        return [
            QueueSummary(row.name, row.size, latency_of(row.oldest), row.paused) for row in await queues.summaries()
        ]

    @operation
    async def overdue(self) -> dict[str, Overdue]:
        """Return how many jobs of the "scheduled" and the "retry" set are due, and for how long. One round trip.

        Workers move due jobs within seconds. More of them mean that no worker runs, or that all are behind.
        """
        now = time.time()
        due = zip(("scheduled", "retry"), await stats.due(now), strict=True)
        return {name: Overdue(jobs, 0.0 if since is None else max(now - since, 0.0)) for name, (jobs, since) in due}

    @operation
    async def queue_summary(self, name: str) -> QueueSummary:
        """Return one queue's summary, whether it is there or not. One round trip."""
        row = await queues.summary(name)
        return QueueSummary(row.name, row.size, latency_of(row.oldest), row.paused)

    @operation
    async def fetch_stats_fast(self) -> dict[str, Any]:
        """Read the counters and sizes anew, keep them, and return them. One round trip of O(1) commands."""
        self._fast = await _fetch_fast()
        return {name: value for name, value in self._fast.items() if name not in _OWN}

    @operation
    async def fetch_stats_slow(self) -> dict[str, int]:
        """Read how many jobs run, and how many wait in all queues. Two round trips, a command a process and queue."""
        return (await stats.slow())._asdict()

    @operation
    async def fetch_stats(self) -> dict[str, Any]:
        """Read everything anew. Two round trips."""
        fast, slow = await stats.everything()
        self._fast = _told(fast)
        return self._fast | slow._asdict()

    @operation
    async def reset(self, *names: str) -> None:
        """Set the lifetime counters "processed", "failed" and "expired" back to 0; without names all of them."""
        unknown = set(names) - stats.COUNTERS.keys()
        if unknown:
            raise InvalidValue(f"only {', '.join(stats.COUNTERS)} can be reset, not {', '.join(sorted(unknown))}")
        await stats.reset(names or stats.COUNTERS)
        self._fast = await _fetch_fast()


class _History(Api):
    """Jobs processed, failed and expired by UTC day, newest first: {"2026-11-24": 12, …}. One round trip.

    Sidekiq's Stats::History.
    """

    def __init__(
        self,
        days_previous: int,
        start_date: date | None = None,
        *,
        config: Config | None = None,
        client: Client | AsyncClient | None = None,
    ) -> None:
        super().__init__(config=config, client=client)
        if not 1 <= days_previous <= _MOST_DAYS:
            raise InvalidValue(f"days_previous must be from 1 to {_MOST_DAYS}, not {days_previous}")
        self._days = days_previous
        self._newest = start_date or datetime.now(UTC).date()


class History(_History, SyncApi):
    @cached_property
    def _counts(self) -> stats.Days:
        return self._run(stats.history(self._newest, self._days))

    @property
    def processed(self) -> dict[str, int]:
        """Runs by day, failed ones included."""
        return self._counts.processed

    @property
    def failed(self) -> dict[str, int]:
        """Failed runs by day."""
        return self._counts.failed

    @property
    def expired(self) -> dict[str, int]:
        """Jobs dropped by day because their `expires_in` was over."""
        return self._counts.expired


class AsyncHistory(_History, AsyncApi):
    processed: dict[str, int]
    failed: dict[str, int]
    expired: dict[str, int]

    @classmethod
    async def fetch(
        cls,
        days_previous: int,
        start_date: date | None = None,
        *,
        config: Config | None = None,
        client: AsyncClient | None = None,
    ) -> Self:
        """Return the history of `days_previous` days up to `start_date` (default: today, UTC)."""
        history = cls(days_previous, start_date, config=config, client=client)
        days = await history._run(stats.history(history._newest, history._days))
        history.processed, history.failed, history.expired = days
        return history


class Stats(_Snapshot, SyncApi):
    """A snapshot of the counters and sizes, fetched when it is made in one round trip of O(1) commands.

    `enqueued`, `workers_size` and `queues` cost two round trips more, at their first use. Sidekiq's Stats.
    """

    History = History

    def __init__(self, *, config: Config | None = None, client: Client | None = None) -> None:
        super().__init__(config=config, client=client)
        self._fast = self._run(_fetch_fast())

    @cached_property
    def _slow(self) -> stats.Slow:
        return self._run(stats.slow())

    @cached_property
    def queues(self) -> dict[str, int]:
        """Every queue's size, largest first."""
        return self._run(stats.queue_sizes())

    @property
    def enqueued(self) -> int:
        """Jobs waiting in all queues."""
        return self._slow.enqueued

    @property
    def workers_size(self) -> int:
        """Jobs that ran at the last heartbeats."""
        return self._slow.workers_size

    def __repr__(self) -> str:
        return f"<Stats {self._fast}>"


class AsyncStats(_Snapshot, AsyncApi):
    """As `Stats`; made by `await AsyncStats.fetch()`, which fetches everything."""

    History = AsyncHistory

    queues: dict[str, int]
    enqueued: int
    workers_size: int

    @classmethod
    async def fetch(cls, *, config: Config | None = None, client: AsyncClient | None = None) -> Self:
        """Return a snapshot. Four round trips."""
        snapshot = cls(config=config, client=client)
        fast, slow = await snapshot._run(stats.everything())
        snapshot._fast = _told(fast)
        snapshot.enqueued, snapshot.workers_size = slow.enqueued, slow.workers_size
        snapshot.queues = await snapshot._run(stats.queue_sizes())
        return snapshot


async def _fetch_fast() -> dict[str, Any]:
    return _told(await stats.fast())


def _told(found: stats.Fast) -> dict[str, Any]:
    fast = found._asdict()
    oldest = fast.pop("default_queue_oldest")
    return fast | {"default_queue_latency": latency_of(oldest)}
