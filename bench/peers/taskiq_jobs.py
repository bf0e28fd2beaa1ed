"""taskiq: no results, uvloop, on a list (which it never acknowledges) or on a stream. Bulk: 50 pushes at a time."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from bench.peers.gathering import gathered
from bench.systems import async_work

_kinds = {"list": ListQueueBroker, "stream": RedisStreamBroker}
broker = _kinds[os.environ["BENCH_BROKER"]](os.environ["REDIS_URL"])
_jobs = {job.__name__: broker.task(task_name=job.__name__)(job) for job in async_work.JOBS}


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


async def one(job: str, *args: int) -> None:
    await _jobs[job].kiq(*args)


async def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    await gathered(one, job, calls, 50)
