"""Periodic jobs: when each is due, what became of its last runs, and how entries are added, changed and paused."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from teep.api.base import Api, AsyncApi, AsyncIterable, SyncApi, SyncIterable, once
from teep.client.delivery import kept_out, routes
from teep.client.payloads.push import prepare, push_of
from teep.config import Config
from teep.config.periodic import How, entry_of, payload_of
from teep.drivers.operation import operation
from teep.errors import InvalidSchedule
from teep.schedules import schedule_of
from teep.schedules.expressions import zone_of
from teep.store.periodic import entries, runs, ticks
from teep.store.periodic.entries import CatchUp, Overlap, Source, Stored
from teep.wire.command import Plan

E = TypeVar("E", bound="_PeriodicEntry")


class PeriodicRun(NamedTuple):
    """A run of a periodic job: its job, the tick that it was for (None: someone asked for it), and its outcome.

    `state` is "queued" until the job has ended for good: it waits, runs or is retried. Then it is "done", "dead",
    "discarded", "expired" or "deleted". If no job was pushed at the tick, it says why: "overlap" or "unique" (another
    was not over), "stopped" (by a middleware), or "missed". Times are aware, in UTC.
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
        return [_run(record) for record in await runs.of(self.name)]

    @operation
    async def pause(self) -> bool:
        """Let its ticks pass without a job; False if it was paused already. One round trip."""
        return await entries.pause(self.name)

    @operation
    async def unpause(self) -> bool:
        """Go on with the next tick; False if it was not paused. Two round trips."""
        return await _unpause(self.name)

    @operation
    async def enqueue_now(self) -> str | None:
        """Push its job now, beside its schedule; returns the jid, or None if it was kept out. One round trip."""
        return await _enqueue(self.config, self._stored)

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


class _PeriodicSet(Api, Generic[E]):
    """All periodic jobs, by name. Sidekiq Enterprise's LoopSet.

    Entries that code or a file declares are "static": the leader writes them. Others are created here: "dynamic".
    """

    _made: ClassVar[Callable[..., Any]]

    @operation
    async def size(self) -> int:
        """Return how many there are. One O(1) command."""
        return await entries.size()

    @operation
    async def get(self, name: str) -> E | None:
        """Return the entry of this name, or None. One round trip."""
        found = await entries.get(name)
        return None if found is None else self._made(found, config=self.config)

    @operation
    async def create(
        self,
        name: str,
        schedule: str,
        job: Any,
        /,
        *args: Any,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        tz: str | None = None,
        catch_up: CatchUp = "latest",
        grace: float = 3600.0,
        overlap: Overlap = "allow",
        jitter: float = 0.0,
        description: str = "",
    ) -> E:
        """Add an entry, or put it in place of the dynamic one of this name, whose history and pause stay.

        `job` is a job, or the name of a class that only others know; the options are those of `teep.periodic`. The
        leader sees it within a second. Three round trips.

        Raises:
            InvalidSchedule: it never fires or cannot be read, there is no such zone, or a static entry has the name.
            InvalidType, InvalidJob, InvalidArguments: the job cannot be pushed like this.
        """
        how = How(tz, catch_up, grace, overlap, jitter, description)
        made = entry_of(schedule, payload_of(job, args, kwargs, queue), how, name)
        before = await entries.get(name)
        if before is not None:
            _must_be_dynamic(before)
        return await self._put(made)

    @operation
    async def update(
        self,
        name: str,
        /,
        *,
        schedule: str | None = None,
        tz: str | None = None,
        args: Sequence[Any] | None = None,
        **changes: Any,
    ) -> E:
        """Change a dynamic entry: its schedule, arguments, or an option of `create`. Its history and pause stay.

        If the schedule changes, its ticks count from now on. Four round trips.

        Raises:
            UnknownEntry: there is none of this name.
            InvalidSchedule, InvalidJob, InvalidArguments: as `create`.
        """
        before = await entries.get(name)
        if before is None:
            raise entries.unknown(name)
        _must_be_dynamic(before)
        entry = before.entry
        kept = {field: getattr(entry, field) for field in How._fields} | {"tz": entry.tz or None}
        if strange := changes.keys() - kept.keys():
            raise InvalidSchedule(
                f"a periodic job has no {min(strange)!r}; it has {', '.join(('schedule', 'args', *kept))}"
            )
        how = How(**{**kept, **changes, **({} if tz is None else {"tz": tz})})
        job = entry.job if args is None else {**entry.job, "args": payload_of(entry.job["class"], args)["args"]}
        return await self._put(entry_of(schedule or entry.schedule, job, how, name))

    @operation
    async def delete(self, name: str) -> bool:
        """Remove an entry and its history; False if there is none. The leader writes one that it declares anew."""
        return await entries.remove(name)

    @operation
    async def pause(self, name: str) -> bool:
        """Let the ticks of an entry pass without a job; False if it was paused already. One round trip.

        Raises:
            UnknownEntry: there is none of this name.
        """
        return await entries.pause(name)

    @operation
    async def unpause(self, name: str) -> bool:
        """Let an entry go on with its next tick; False if it was not paused. Two round trips.

        Raises:
            UnknownEntry: there is none of this name.
        """
        return await _unpause(name)

    @operation
    async def enqueue_now(self, name: str) -> str | None:
        """Push the job of an entry now, beside its schedule; returns the jid, or None if it was kept out.

        Raises:
            UnknownEntry: there is none of this name.
        """
        found = await entries.get(name)
        if found is None:
            raise entries.unknown(name)
        return await _enqueue(self.config, found)

    @operation
    async def histories(self, names: Collection[str]) -> dict[str, list[PeriodicRun]]:
        """Return the last 25 runs of each of these entries, the newest first. One round trip."""
        return {name: [_run(record) for record in each] for name, each in (await runs.of_all(names)).items()}

    async def _put(self, entry: entries.Entry) -> E:
        _, now = await entries.look()
        made: E = self._made(await entries.put(entry, now), config=self.config)
        return made

    async def _all(self) -> list[E]:
        found = await entries.everything()
        return [self._made(stored, config=self.config) for stored in found.entries.values()]

    def _walk(self) -> Callable[[], Plan[list[E] | None]]:
        return once(self._all)


class PeriodicSet(_PeriodicSet[PeriodicEntry], SyncIterable[PeriodicEntry]):
    _made = PeriodicEntry

    def __len__(self) -> int:
        """Return its `size`, which asks Redis."""
        return self.size()

    def __bool__(self) -> bool:
        """Return True, also if it is empty, without asking Redis."""
        return True


class AsyncPeriodicSet(_PeriodicSet[AsyncPeriodicEntry], AsyncIterable[AsyncPeriodicEntry]):
    _made = AsyncPeriodicEntry


LoopSet = PeriodicSet
AsyncLoopSet = AsyncPeriodicSet


# A scrape asks it of each entry again and again, and the answer changes only when a tick is over.
@lru_cache(maxsize=16_384)
def _first_tick(schedule: str, zone: str, name: str, after: float, since: float) -> float | None:
    return next(schedule_of(schedule, zone, name).ticks(after, since), None)


async def _unpause(name: str) -> bool:
    _, now = await entries.look()
    return await entries.unpause(name, now)


async def _enqueue(config: Config, stored: Stored) -> str | None:
    prepared = prepare(config, ticks.job_of(stored.entry))
    if prepared is None:
        return None
    not_pushed = await routes.deliver(config, push_of([prepared], transactional=False))
    return None if not_pushed and kept_out.tell(not_pushed) else prepared.jid


def _must_be_dynamic(stored: Stored) -> None:
    if stored.entry.source == "static":
        raise InvalidSchedule(f"{stored.entry.name!r} is declared in code or a file; change it there, or pause it")


def _run(record: runs.RunRecord) -> PeriodicRun:
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
