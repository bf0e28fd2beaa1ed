"""Pushes a system's jobs with that system's own client: `push MODULE HOW PAUSE JOB FIRST STOP …`.

The module has `one(job, *args)` and `bulk(job, calls)`, all plain or all coroutines, and if its client must connect
first, or does so at its first push, a context `session()` of the same kind, so that connecting is in no figure.
HOW is "bulk", or "one" with PAUSE seconds after each job; the words after STOP are further arguments of every job.
Jobs are called with their number first, from FIRST up to below STOP.

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


def push(module: ModuleType, how: str, job: str, calls: list[list[int]], pause: float) -> list[int]:
    """Pushes outside of an event loop: in one, a client that blocks looks at each of its callers."""
    session: Any = getattr(module, "session", nullcontext)
    moments = []
    with session():
        if how == "bulk":
            moments.append(time.monotonic_ns())
            module.bulk(job, calls)
        for call in calls if how == "one" else ():
            moments.append(time.monotonic_ns())
            module.one(job, *call)
            if pause:
                time.sleep(pause)
    return [*moments, time.monotonic_ns()]


async def push_async(module: ModuleType, how: str, job: str, calls: list[list[int]], pause: float) -> list[int]:
    session: Any = getattr(module, "session", nullcontext)
    moments = []
    async with session():
        if how == "bulk":
            moments.append(time.monotonic_ns())
            await module.bulk(job, calls)
        for call in calls if how == "one" else ():
            moments.append(time.monotonic_ns())
            await module.one(job, *call)
            if pause:
                await asyncio.sleep(pause)
    return [*moments, time.monotonic_ns()]


def main() -> None:
    module, how, pause, job, first, stop, *rest = sys.argv[1:]
    calls = [[number, *map(int, rest)] for number in range(int(first), int(stop))]
    client = importlib.import_module(module)
    is_async = inspect.iscoroutinefunction(client.one)
    pushed = (push_async if is_async else push)(client, how, job, calls, float(pause))
    print(json.dumps(asyncio.run(pushed) if inspect.iscoroutine(pushed) else pushed))


if __name__ == "__main__":
    main()
