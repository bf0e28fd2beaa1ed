"""streaQ: no results, silent, uvloop. Bulk: `enqueue_many` of 1,000."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from streaq import Worker

from bench.systems import async_work

_concurrency = int(os.environ.get("BENCH_CONCURRENCY", "10"))
worker = Worker(
    redis_url=os.environ["REDIS_URL"],
    concurrency=_concurrency,
    prefetch=_concurrency,
    anyio_kwargs={"use_uvloop": True},
)
_jobs = {job.__name__: worker.task(ttl=0, silent=True, name=job.__name__)(job) for job in async_work.JOBS}


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    async with worker:
        yield


async def one(job: str, *args: int) -> None:
    await _jobs[job].enqueue(*args)


async def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    for start in range(0, len(calls), 1000):
        await worker.enqueue_many([_jobs[job].enqueue(*args) for args in calls[start : start + 1000]])
