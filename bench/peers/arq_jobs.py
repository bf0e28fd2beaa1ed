"""arq: no results kept, looks for jobs every 10 ms, uvloop. Bulk: 20 pushes at a time."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from arq import create_pool, func
from arq.connections import ArqRedis, RedisSettings

from bench.peers.gathering import gathered
from bench.systems import async_work

uvloop.install()
_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
_pool: ArqRedis

LOGS = {"version": 1, "loggers": {"arq": {"level": "WARNING"}}}
"""It would log two lines a job."""


def _with_context(job: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def run(_context: dict[str, Any], *args: int) -> None:
        await job(*args)

    return run


class WorkerSettings:
    redis_settings = _settings
    functions = tuple(func(_with_context(job), name=job.__name__) for job in async_work.JOBS)
    max_jobs = int(os.environ.get("BENCH_CONCURRENCY", "10"))
    keep_result = 0
    poll_delay = 0.01
    queue_read_limit = 100
    log_results = False


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    global _pool  # noqa: PLW0603 - its pool belongs to the event loop of the session
    _pool = await create_pool(_settings)
    yield
    await _pool.aclose()


async def one(job: str, *args: int) -> None:
    await _pool.enqueue_job(job, *args)


async def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    await gathered(one, job, calls, 20)
