"""A bulk push for clients that have none: several pushes at a time on one event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence


async def gathered(
    one: Callable[..., Awaitable[None]], job: str, calls: Sequence[Sequence[int]], at_a_time: int
) -> None:
    for start in range(0, len(calls), at_a_time):
        await asyncio.gather(*(one(job, *args) for args in calls[start : start + at_a_time]))
