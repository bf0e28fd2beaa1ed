"""The jobs of the crash test: each appends its number to a file, in one write that no kill can split."""

import asyncio
import os
import time

import teep

_FILE = os.open(os.environ["CRASH_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@teep.job(name="crash")
def crash(number: int, seconds: float) -> None:
    """Take some time, then say so."""
    time.sleep(seconds)
    os.write(_FILE, b"%d\n" % number)


@teep.job(name="crash_async")
async def crash_async(number: int, seconds: float) -> None:
    """As `crash`, on the loop."""
    await asyncio.sleep(seconds)
    os.write(_FILE, b"%d\n" % number)
