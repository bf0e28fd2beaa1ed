"""Pushes a system's jobs with that system's own client: `push MODULE HOW PAUSE JOB FIRST STOP …`.

The module has `one(job, *args)` and `bulk(job, calls)`, plain or as coroutines, and where its client must connect
first an asynchronous context `session()`. HOW is "bulk", or "one" with PAUSE seconds after each job; what
follows are further arguments of every job. Jobs are called with their number first, from FIRST up to below STOP.

Prints when each push began, and when the last had ended, in nanoseconds of the clock that all processes share.
"""

import asyncio
import importlib
import inspect
import json
import sys
import time
from contextlib import nullcontext
from types import ModuleType
from typing import Any


async def push(module: ModuleType, how: str, job: str, calls: list[list[int]], pause: float) -> list[int]:
    session: Any = getattr(module, "session", nullcontext)
    moments = []
    async with session():
        if how == "bulk":
            moments.append(time.monotonic_ns())
            await _finished(module.bulk(job, calls))
        for call in calls if how == "one" else ():
            moments.append(time.monotonic_ns())
            await _finished(module.one(job, *call))
            if pause:
                await asyncio.sleep(pause)
    return [*moments, time.monotonic_ns()]


async def _finished(pushed: Any) -> None:
    if inspect.isawaitable(pushed):
        await pushed


def main() -> None:
    module, how, pause, job, first, stop, *rest = sys.argv[1:]
    calls = [[number, *map(int, rest)] for number in range(int(first), int(stop))]
    print(json.dumps(asyncio.run(push(importlib.import_module(module), how, job, calls, float(pause)))))


if __name__ == "__main__":
    main()
