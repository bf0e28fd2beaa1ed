"""What the workers of this suite run. Each run writes of itself into the journal, by `journalled` around it."""

import asyncio
import os
import signal
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import teep
from tests.chaos import journal
from tests.chaos.kinds import ITERABLE, LEASE, LIMIT, LIMITED, Fate, number_of

# A thread hears of its stop between two of these (seconds).
_SLICE = 0.05
# Within which a forked child has ended, on a machine that is busy.
_CHILD_SECONDS = 10.0
# Every so many items comes one that takes longer than most stops wait.
_LONG_EVERY, _LONG_SECONDS = 37, 1.0

# From Python 3.12 on a fork beside threads warns; jobs that fork are what this is about.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)


class Intended(Exception):
    """The failure of a job that is meant to fail."""


def soon(_count: int, _error: BaseException, _payload: dict[str, Any]) -> float:
    """Retry a second later."""
    return 1


@teep.job(name="chaos", retry_in=soon)
def chaos(number: int, seconds: float, fate: str) -> None:
    """Take some time, then succeed or fail."""
    sleep(seconds)
    meet(fate)


@teep.job(name="chaos_async", retry_in=soon)
async def chaos_async(number: int, seconds: float, fate: str) -> None:
    """As `chaos`, on the loop."""
    await asyncio.sleep(seconds)
    meet(fate)


@teep.job(name=LIMITED, retry_in=soon, limit=teep.limits.concurrent(LIMITED, LIMIT, lock_timeout=LEASE))
def chaos_limited(number: int, seconds: float, fate: str) -> None:
    """As `chaos`, under a limit."""
    sleep(seconds)
    meet(fate)


@teep.job(name="chaos_fork", retry_in=soon)
def chaos_fork(number: int, seconds: float, fate: str) -> None:
    """As `chaos`, with a fork, whose child ends in one of four ways."""
    pid = os.fork()
    if pid == 0:
        _end_child(number)
        return
    _await_child(pid)
    sleep(seconds)
    meet(fate)


class _Items(teep.IterableJob):
    """Numbers as items, which are their own cursors."""

    def on_complete(self) -> None:
        journal.over()


class ChaosItems(_Items, name="chaos_items", retry_in=soon):
    """Take some time for each item. One that is to fail does so before it has done the item."""

    def build_enumerator(
        self, number: int, seconds: float, fate: str, items: int, *, cursor: int | None
    ) -> Iterator[tuple[int, int]]:
        journal.begins_with(cursor or 0)
        return ((item, item) for item in range(cursor or 0, items))

    def each_iteration(self, item: int, number: int, seconds: float, fate: str, items: int) -> None:
        _meet_at(item, fate, items)
        sleep(_length(item, seconds))
        journal.did(item)


class ChaosItemsAsync(_Items, name="chaos_items_async", retry_in=soon):
    """As `ChaosItems`, on the loop."""

    async def build_enumerator(
        self, number: int, seconds: float, fate: str, items: int, *, cursor: int | None
    ) -> AsyncIterator[tuple[int, int]]:
        journal.begins_with(cursor or 0)
        for item in range(cursor or 0, items):
            yield item, item

    async def each_iteration(self, item: int, number: int, seconds: float, fate: str, items: int) -> None:
        _meet_at(item, fate, items)
        await asyncio.sleep(_length(item, seconds))
        journal.did(item)


@contextmanager
def journalled(job: dict[str, Any]) -> Iterator[None]:
    """Write the start and the end of a run: for `around`."""
    context = teep.current_job()
    assert context is not None
    journal.begin(number_of(job), job, context.attempt)
    try:
        yield
    except Intended:
        journal.finish("failed")
        raise
    except BaseException:
        journal.finish("cut")
        raise
    else:
        # An iterable job returns where it is interrupted, too; it has said before where it was over.
        journal.finish("left" if job["class"] in ITERABLE else "done")


def _end_child(number: int) -> None:
    match number % 4:
        case 0:
            os._exit(3)
        case 1:
            sys.exit(3)
        case 2:
            raise ValueError("the child's own failure")


def _await_child(pid: int) -> None:
    deadline = time.monotonic() + _CHILD_SECONDS
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            journal.remark(f"{journal.UNENDED} {pid}")
            os.kill(pid, signal.SIGKILL)
        time.sleep(_SLICE)


def sleep(seconds: float) -> None:
    """Take some time in slices, between which a thread hears of its stop."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))


def _length(item: int, seconds: float) -> float:
    return _LONG_SECONDS if item % _LONG_EVERY == _LONG_EVERY - 1 else seconds


def meet(fate: str) -> None:
    """Fail if that is what the job is to do at this attempt."""
    job = teep.current_job()
    assert job is not None
    if fate == Fate.DIES or (fate == Fate.FAILS_ONCE and job.attempt == 1):
        raise Intended("as planned")


def _meet_at(item: int, fate: str, items: int) -> None:
    """Let a job that is to die do so at its last item, and one that fails once in the middle."""
    if item == (items - 1 if fate == Fate.DIES else items // 2):
        meet(fate)
