"""What Redis tells of the whole fleet at a moment: Prometheus and autoscalers ask for it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from teep.api import (
    AsyncMetricsQuery,
    AsyncProcess,
    AsyncProcessSet,
    AsyncStats,
    AsyncWorkSet,
    JobResult,
    Overdue,
    QueueSummary,
)
from teep.api.facts import AsyncServer
from teep.config import Config
from teep.errors import RedisDenied
from teep.web.rendering import Site

# Seconds that a reading is given to all who ask, as several Prometheus servers may.
_KEPT = 1.0


class Running(NamedTuple):
    """A running job: its queue, and for how many seconds it has run."""

    queue: str
    seconds: float


class Gauges(NamedTuple):
    """A reading. `memory` (bytes of Redis) is None if this user may not ask."""

    at: float
    took: float
    stats: Mapping[str, Any]
    queues: Sequence[QueueSummary]
    overdue: Mapping[str, Overdue]
    processes: Sequence[AsyncProcess]
    running: Sequence[Running]
    jobs: Mapping[str, JobResult]
    memory: int | None

    @property
    def threads(self) -> int:
        """How many jobs can run at a time."""
        return sum(process.concurrency for process in self.processes)


async def read(config: Config) -> Gauges:
    """Read everything. Eleven round trips, two after one another."""
    began = time.perf_counter()
    stats = AsyncStats(config=config)
    (counts, queues, overdue), processes, running, metrics, memory = await asyncio.gather(
        asyncio.gather(stats.fetch_stats_fast(), stats.queue_summaries(), stats.overdue()),
        _processes(config),
        _running(config),
        AsyncMetricsQuery(config=config).top_jobs(minutes=60),
        _memory(config),
    )
    counts = {**counts, "expired": stats.expired}
    took = time.perf_counter() - began
    return Gauges(time.time(), took, counts, queues, overdue, processes, running, metrics.job_results, memory)


async def lately(site: Site) -> Gauges:
    """Return a reading that is at most a second old."""
    kept: Gauges | None = site.shared.get("gauges")
    if kept is None or not 0 <= time.time() - kept.at < _KEPT:
        kept = site.shared["gauges"] = await read(site.config)
    return kept


async def _processes(config: Config) -> list[AsyncProcess]:
    return [process async for process in AsyncProcessSet(config=config, clean=False)]


async def _running(config: Config) -> list[Running]:
    return [Running(work.queue, work.elapsed) async for _, _, work in AsyncWorkSet(config=config)]


async def _memory(config: Config) -> int | None:
    try:
        return (await AsyncServer(config=config).facts()).memory
    except RedisDenied:
        return None
