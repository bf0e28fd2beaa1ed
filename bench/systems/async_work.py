"""The same jobs as coroutines."""

import asyncio

from bench.systems import work


async def noop(number: int) -> None:
    work.noop(number)


async def nap(number: int, milliseconds: int) -> None:
    work.noop(number)
    await asyncio.sleep(milliseconds / 1000)


async def stamp(number: int) -> None:
    work.stamp(number)


JOBS = (noop, nap, stamp)
