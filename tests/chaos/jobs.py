"""What the workers of this suite run. Each run writes of itself into the journal."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import teep
from tests.chaos import journal
from tests.chaos.kinds import Fate

# A thread hears of its stop between two of these (seconds).
_SLICE = 0.05


class Intended(Exception):
    """The failure of a job that is meant to fail."""


@teep.job(name="chaos", retry_in=lambda _count, _error, _payload: 1)
def chaos(number: int, seconds: float, fate: str) -> None:
    """Take some time, then succeed or fail."""
    with _journalled(number):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE))
        _meet(fate)


@teep.job(name="chaos_async", retry_in=lambda _count, _error, _payload: 1)
async def chaos_async(number: int, seconds: float, fate: str) -> None:
    """As `chaos`, on the loop."""
    with _journalled(number):
        await asyncio.sleep(seconds)
        _meet(fate)


@contextmanager
def _journalled(number: int) -> Iterator[None]:
    job = teep.current_job()
    assert job is not None
    run = journal.begin(number, job.jid, job.attempt)
    try:
        yield
    except Intended:
        journal.finish(run, "failed")
        raise
    except BaseException:
        journal.finish(run, "cut")
        raise
    else:
        journal.finish(run, "done")


def _meet(fate: str) -> None:
    job = teep.current_job()
    assert job is not None
    if fate == Fate.DIES or (fate == Fate.FAILS_ONCE and job.attempt == 1):
        raise Intended("as planned")
