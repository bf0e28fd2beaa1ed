"""SAQ: no results kept, orjson, uvloop. Bulk: 1,000 pushes at a time, of which the queue itself lets 20 through."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvloop
from saq import Queue

from bench.peers.gathering import gathered
from bench.systems import async_work

uvloop.install()
queue = Queue.from_url(os.environ["REDIS_URL"], dump=orjson.dumps, load=orjson.loads)


def _with_context(job: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def run(_context: dict[str, Any], *, args: list[int]) -> None:
        await job(*args)

    return run


settings = {
    "queue": queue,
    "functions": [(job.__name__, _with_context(job)) for job in async_work.JOBS],
    "concurrency": int(os.environ.get("BENCH_CONCURRENCY", "10")),
}


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    await queue.connect()
    yield
    await queue.disconnect()


async def one(job: str, *args: int) -> None:
    await queue.enqueue(job, args=args, ttl=-1)


async def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    await gathered(one, job, calls, 1000)
