"""A periodic job: what it runs, when it is due, and what became of its last runs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from teep.api.base import Api, AsyncApi, SyncApi
from teep.client.delivery import kept_out, routes
from teep.client.payloads.push import prepare, push_of
from teep.config import Config
from teep.drivers.operation import operation
from teep.schedules import schedule_of
from teep.schedules.expressions import zone_of
from teep.store.periodic import entries, runs, ticks
from teep.store.periodic.entries import CatchUp, Overlap, Source, Stored


class PeriodicRun(NamedTuple):
    """A run of a periodic job: its job, the tick that it was for (None: someone asked for it), and its outcome.

    `state` is "queued" until the job has ended for good: it waits, runs or is retried. Then it is "done", "dead",
    "discarded", "expired", "cancelled" or "deleted". If no job was pushed at the tick, it says why: "overlap" or
    "unique" (another was not over), "stopped" (by a middleware), or "missed". Times are aware, in UTC.
    """

    jid: str
    tick: datetime | None
    queued_at: datetime
    state: str
    ended_at: datetime | None


class _PeriodicEntry(Api):
    """A periodic job as it was read. Sidekiq Enterprise's Loop."""

    def __init__(self, stored: Stored, *, config: Config | None = None) -> None:
        super().__init__(config=config)
        self._stored = stored
        self._entry = stored.entry

    @property
    def name(self) -> str:
        """Its name, which no other entry has."""
        return self._entry.name

    @property
    def schedule(self) -> str:
        """Its schedule as it is written, such as "0 4 * * *"."""
        return self._entry.schedule

    @property
    def tz(self) -> str:
        """The name of the time zone of its schedule."""
        return self._entry.tz or "UTC"

    @property
    def klass(self) -> str:
        """The class of its jobs on the wire."""
        return str(self._entry.job["class"])

    @property
    def args(self) -> list[Any]:
        """The arguments of its jobs."""
        return list(self._entry.job["args"])

    @property
    def kwargs(self) -> dict[str, Any]:
        """Their keyword-only arguments."""
        return dict(self._entry.job.get("kwargs") or {})

    @property
    def queue(self) -> str:
        """The queue that they go to."""
        return str(self._entry.job.get("queue", "default"))

    @property
    def source(self) -> Source:
        """Whether a program or a file declares it ("static"), or it was created here ("dynamic")."""
        return self._entry.source

    @property
    def catch_up(self) -> CatchUp:
        """Which of the ticks that were missed are fired: the "latest", "all", or "none"."""
        return self._entry.catch_up

    @property
    def grace(self) -> float:
        """The seconds after which a missed tick is not fired any more."""
        return self._entry.grace

    @property
    def overlap(self) -> Overlap:
        """Whether a tick is passed over while the last job is not over ("skip"), or not ("allow")."""
        return self._entry.overlap

    @property
    def jitter(self) -> float:
        """The seconds by which its jobs may be delayed."""
        return self._entry.jitter

    @property
    def description(self) -> str:
        """What its author says of it."""
        return self._entry.description

    @property
    def paused(self) -> bool:
        """Whether its ticks pass without a job."""
        return self._stored.is_paused

    @property
    def created_at(self) -> datetime:
        """When it was created, or first declared."""
        return _moment(self._entry.created)

    @property
    def last_at(self) -> datetime | None:
        """Its last tick that is over, in UTC; None if there was none since its schedule began."""
        last = self._stored.last
        if last is None or next(self._ticks(last - 0.5), None) != last:
            return None
        return _moment(last)

    @property
    def next_at(self) -> datetime | None:
        """Its next tick, in its own time zone; None if it is paused, or there is none any more."""
        return next(iter(self.next_runs(1)), None)

    @property
    def late(self) -> float:
        """How long (seconds) its first tick that nobody has fired or passed over is due; 0 if there is none."""
        entry, now, last = self._entry, time.time(), self._stored.last
        after = entry.since if last is None else last
        tick = None if self.paused else _first_tick(entry.schedule, entry.tz, entry.name, after, entry.since)
        return 0.0 if tick is None else max(now - tick, 0.0)

    def next_runs(self, count: int = 5) -> list[datetime]:
        """Return its next ticks, in its own time zone; none if it is paused."""
        if self.paused:
            return []
        zone = zone_of(self._entry.tz)
        return [
            datetime.fromtimestamp(tick, zone)
            for tick, _ in zip(self._ticks(time.time()), range(count), strict=False)
        ]

    def explain(self) -> str:
        """Return its schedule in English, such as "At 04:00 every day (Europe/Prague)"."""
        words = schedule_of(self.schedule, self._entry.tz, self.name).words()
        return words if self.schedule.startswith(("@every", "@in")) else f"{words} ({self.tz})"

    @operation
    async def history(self) -> list[PeriodicRun]:
        """Return its last 25 runs, the newest first. One round trip."""
        return [run_of(record) for record in await runs.of(self.name)]

    @operation
    async def pause(self) -> bool:
        """Let its ticks pass without a job; False if it was paused already. One round trip."""
        return await entries.pause(self.name)

    @operation
    async def unpause(self) -> bool:
        """Go on with the next tick; False if it was not paused. Two round trips."""
        return await unpause(self.name)

    @operation
    async def enqueue_now(self) -> str | None:
        """Push its job now, beside its schedule; returns the jid, or None if it was kept out. One round trip."""
        return await enqueue(self.config, self._stored)

    @operation
    async def delete(self) -> bool:
        """Remove it with its history; False if it is gone. The leader writes one that it declares anew."""
        return await entries.remove(self.name)

    def _ticks(self, after: float) -> Iterator[float]:
        return schedule_of(self.schedule, self._entry.tz, self.name).ticks(after, self._entry.since)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.klass} {self.schedule!r} ({self.tz})>"


class PeriodicEntry(_PeriodicEntry, SyncApi): ...


class AsyncPeriodicEntry(_PeriodicEntry, AsyncApi): ...


# A scrape asks it of each entry again and again, and the answer changes only when a tick is over.
@lru_cache(maxsize=16_384)
def _first_tick(schedule: str, zone: str, name: str, after: float, since: float) -> float | None:
    return next(schedule_of(schedule, zone, name).ticks(after, since), None)


async def unpause(name: str) -> bool:
    """Let an entry go on with its next tick after now, by the clock of Redis."""
    _, now = await entries.look()
    return await entries.unpause(name, now)


async def enqueue(config: Config, stored: Stored) -> str | None:
    """Push the job of an entry now, and return its jid, or None if it was kept out."""
    prepared = prepare(config, ticks.job_of(stored.entry))
    if prepared is None:
        return None
    not_pushed = await routes.deliver(config, push_of([prepared], transactional=False))
    return None if not_pushed and kept_out.tell(not_pushed) else prepared.jid


def run_of(record: runs.RunRecord) -> PeriodicRun:
    """Return a run as the data API shows it."""
    jid, tick, queued_at, state, ended_at = record
    return PeriodicRun(
        jid,
        None if tick is None else _moment(tick),
        _moment(queued_at),
        state,
        None if ended_at is None else _moment(ended_at),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
