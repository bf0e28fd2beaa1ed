"""teep with `async def` jobs, and teep's client for asyncio."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import teep
from bench.systems import async_work

_jobs = {job.__name__: teep.job(name=job.__name__.capitalize())(job) for job in async_work.JOBS}


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    await teep.AsyncQueue().size()  # connects, which teep does not before it must
    yield


async def one(job: str, *args: int) -> None:
    await _jobs[job].aio.perform_async(*args)


async def bulk(job: str, calls: Sequence[Sequence[int]]) -> None:
    await _jobs[job].aio.perform_bulk(calls)
