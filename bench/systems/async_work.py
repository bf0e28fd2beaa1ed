"""The same jobs as coroutines."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bench.systems import work


async def noop(number: int) -> None:
    work.noop(number)


async def nap(number: int, milliseconds: int) -> None:
    work.noop(number)
    await asyncio.sleep(milliseconds / 1000)


async def stamp(number: int) -> None:
    work.stamp(number)


JOBS: tuple[Callable[..., Coroutine[Any, Any, None]], ...] = (noop, nap, stamp)
