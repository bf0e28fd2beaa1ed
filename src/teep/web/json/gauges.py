"""What Redis tells of the whole fleet at a moment: Prometheus and autoscalers ask for it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from teep.api import (
    AsyncMetricsQuery,
    AsyncProcess,
    AsyncStats,
    JobResult,
    Overdue,
    QueueSummary,
)
from teep.api.facts import AsyncServer, ServerFacts
from teep.api.fleet.fleet import AsyncFleet
from teep.api.limits import AsyncLimiter
from teep.api.periodic import AsyncPeriodicEntry, AsyncPeriodicSet
from teep.config import Config
from teep.errors import InvalidSchedule, RedisDenied
from teep.web.known.limited import Limited
from teep.web.known.presence import Presence
from teep.web.pages.fleet.rows import capsules_of, text, threads_of, whole
from teep.web.rendering import Site

MOST = 100
"""Limits, and periodic jobs, in a reading: each has metrics of its own."""

# Seconds that a reading is given to all who ask, as several Prometheus servers may.
_KEPT = 1.0


class Running(NamedTuple):
    """A running job: its queue, and for how many seconds it has run."""

    queue: str
    seconds: float


class Due(NamedTuple):
    """A periodic job: its name, its last tick that is over (epoch seconds), and how long the next one is due."""

    name: str
    last: float | None
    late: float


class Serving(NamedTuple):
    """A process as of its last heartbeat, `silent` seconds ago: what it serves, and what it takes (bytes)."""

    host: str
    queues: Sequence[str]
    threads: int
    is_quiet: bool
    memory: int
    silent: float


class Gauges(NamedTuple):
    """A reading. `leading` is how many seconds the process that leads has run; None: nobody leads.

    `redis` is None if this user may not ask what Redis says of itself.
    `limits` are those with the most that wait, `periodic` those that are latest.
    """

    at: float
    took: float
    stats: Mapping[str, Any]
    queues: Sequence[QueueSummary]
    overdue: Mapping[str, Overdue]
    processes: Sequence[Serving]
    running: Sequence[Running]
    leading: float | None
    in_flight: Mapping[str, int]
    jobs: Mapping[str, JobResult]
    redis: ServerFacts | None
    limits: Sequence[AsyncLimiter] = ()
    periodic: Sequence[Due] = ()

    @property
    def threads(self) -> int:
        """How many jobs can run at a time."""
        return sum(process.threads for process in self.processes)


async def read(site: Site) -> Gauges:
    """Read everything. Ten round trips, two after one another; more if there are limits or periodic jobs."""
    began, config = time.perf_counter(), site.config
    stats, fleet = AsyncStats(config=config), AsyncFleet(config=config)
    (counts, queues, overdue), state, in_flight, metrics, redis, (limits, periodic) = await asyncio.gather(
        asyncio.gather(stats.fetch_stats_fast(), stats.queue_summaries(), stats.overdue()),
        fleet.state(clean=False),
        fleet.in_flight(),
        AsyncMetricsQuery(config=config).top_jobs(minutes=60),
        _facts(config),
        asyncio.gather(_limits(site), _periodic(site)),
    )
    now = time.time()
    return Gauges(
        at=now,
        took=time.perf_counter() - began,
        stats={**counts, "expired": stats.expired},
        queues=queues,
        overdue=overdue,
        processes=[_serving(process, now) for process in state.processes],
        running=[Running(work.queue, work.elapsed) for work in state.work],
        leading=next(
            (_since(process["started_at"], now) for process in state.processes if process.identity in state.leaders),
            None,
        ),
        in_flight=in_flight,
        jobs=metrics.job_results,
        redis=redis,
        limits=limits,
        periodic=periodic,
    )


async def lately(site: Site) -> Gauges:
    """Return a reading that is at most a second old."""
    kept: Gauges | None = site.shared.get("gauges")
    if kept is None or not 0 <= time.time() - kept.at < _KEPT:
        kept = site.shared["gauges"] = await read(site)
    return kept


def _serving(process: AsyncProcess, now: float) -> Serving:
    """Return a process, whatever it wrote about itself."""
    queues = dict.fromkeys(queue for capsule in capsules_of(process) for queue in capsule.weights)
    return Serving(
        host=text(process["hostname"]),
        queues=list(queues),
        threads=threads_of(process),
        is_quiet=process.stopping,
        memory=whole(process.rss) * 1024,
        silent=_since(process["beat"], now),
    )


def _since(at: Any, now: float) -> float:
    try:
        return max(now - at, 0.0) if isinstance(at, int | float) else 0.0
    except OverflowError:  # an int that no float can be
        return 0.0


async def _periodic(site: Site) -> list[Due]:
    entries = AsyncPeriodicSet(config=site.config)
    if not await Presence.of(site, "periodic").are_there(entries.size):
        return []
    late = [(lateness, entry) async for entry in entries if (lateness := _lateness(entry)) is not None]
    latest = sorted(late, key=lambda each: (-each[0], each[1].name))[:MOST]
    return [Due(entry.name, _epoch(entry.last_at), lateness) for lateness, entry in latest]


def _lateness(entry: AsyncPeriodicEntry) -> float | None:
    try:
        return entry.late
    except InvalidSchedule:  # its zone is unknown on this machine
        return None


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


async def _limits(site: Site) -> list[AsyncLimiter]:
    found = await Limited.of(site).recent()
    return sorted(found, key=lambda limiter: (-limiter.read.waiting, -limiter.read.used))[:MOST]


async def _facts(config: Config) -> ServerFacts | None:
    try:
        return await AsyncServer(config=config).facts()
    except RedisDenied:
        return None
