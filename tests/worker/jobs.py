"""What the worker processes of these tests run. Jobs tell of themselves in Redis lists."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import time

import redis

import teep
from teep.worker.fetch.fetcher import Fetcher

_redis = redis.Redis.from_url(os.environ["REDIS_URL"])
_logger = logging.getLogger("tests.jobs")


def _jid() -> str:
    job = teep.current_job()
    assert job is not None
    return job.jid


@teep.job(name="note")
def note(key: str = "noted") -> None:
    """Note the jid."""
    _redis.rpush(key, _jid())


@teep.job(name="note_later")
def note_later(seconds: float, key: str = "noted") -> None:
    """Note the jid after some time, in which a stop can get through to this thread."""
    _redis.rpush("begun", _jid())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.005)
    _redis.rpush(key, _jid())


@teep.job(name="note_later_async")
async def note_later_async(seconds: float, key: str = "noted") -> None:
    """Note the jid after some time on the loop."""
    _redis.rpush("begun", _jid())
    await asyncio.sleep(seconds)
    _redis.rpush(key, _jid())


@teep.job(name="tell_of_stop")
def tell_of_stop() -> None:
    """Run until the stop comes, and note what it was."""
    _redis.rpush("begun", _jid())
    try:
        while True:
            time.sleep(0.005)
    except BaseException as error:
        _redis.rpush("stopped", type(error).__name__)
        raise


@teep.job(name="tell_of_cancel")
async def tell_of_cancel() -> None:
    """As `tell_of_stop`, on the loop."""
    _redis.rpush("begun", _jid())
    try:
        await asyncio.sleep(3600)
    except BaseException as error:
        _redis.rpush("stopped", type(error).__name__)
        raise


@teep.job(name="stubborn")
def stubborn() -> None:
    """Ignore every stop."""
    _redis.rpush("begun", _jid())
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(3600)


@teep.job(name="die")
def die() -> None:
    """Kill the process."""
    _redis.rpush("begun", _jid())
    os.kill(os.getpid(), signal.SIGKILL)


@teep.job(name="hold")
def hold(fails: bool = False) -> None:
    """Run until the test says "go", and fail or note the jid then."""
    _redis.rpush("begun", _jid())
    while not _redis.exists("go"):
        time.sleep(0.005)
    if fails:
        raise ValueError("as intended")
    _redis.rpush("noted", _jid())


@teep.job(name="talk")
def talk(secret: str) -> None:
    """Log a line of its own."""
    _logger.info("a line of the job's own")


@teep.job(name="shout")
def shout(length: int) -> None:
    raise ValueError("x" * length)


@teep.job(name="fail", retry=False)
def fail(secret: str) -> None:
    """Fail without telling the secret."""
    raise ValueError("no luck")


@teep.job(name="note_pid")
def note_pid(seconds: float = 0.0) -> None:
    """Note in which process this ran, after some time."""
    _redis.rpush("begun", _jid())
    time.sleep(seconds)
    _redis.rpush("noted", os.getpid())


@teep.job(name="hold_interpreter")
def hold_interpreter(seconds: float) -> None:
    """Call C code that keeps the GIL, so that no other thread of the process runs."""
    _redis.rpush("begun", _jid())
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
    _redis.rpush("noted", _jid())


@teep.job(name="die_once")
def die_once() -> None:
    """Kill the process at the first run, and note the jid at the second."""
    if _redis.incr("deaths") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    _redis.rpush("noted", _jid())


@teep.job(name="grow")
def grow(megabytes: int) -> None:
    """Leak memory."""
    _leak.append(b"x" * (megabytes << 20))
    _redis.rpush("noted", os.getpid())


_leak: list[bytes] = []


@teep.job(name="jam")
def jam() -> None:
    """Hold up this process's fetch loop for good."""
    for fetcher in [found for found in gc.get_objects() if isinstance(found, Fetcher)]:
        fetcher._exchanging.acquire()


@teep.job(limit=teep.limits.concurrent("killed", 2, lock_timeout=3_600))
def held_by_limit() -> None:
    """Keep its place until the test lets it go, or kills the process."""
    _redis.blpop(["go"], timeout=60)
