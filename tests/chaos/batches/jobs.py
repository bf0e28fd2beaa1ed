"""Jobs that add to their own batch, or open one; each says in the journal what it is about to do, and has done."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import teep
from teep.errors import RedisError
from teep.store.batches import EVENTS
from tests.chaos import journal
from tests.chaos.batches.plans import ADDS, DELETED, OPENS
from tests.chaos.jobs import meet, sleep, soon
from tests.chaos.kinds import QUEUES, Fate

# Numbers of jobs that jobs push: the pusher counts its own from 0 on.
_BEYOND = 1 << 40
_ADDED, _OPENED, _EVERY = 2, 7, 2
_LINGER = 600.0
_random = random.SystemRandom()


class Rejected(Exception):
    """What a block raised that Redis was to blame for: the job goes on."""


@teep.job(name=ADDS, retry_in=soon)
async def chaos_adds(number: int, seconds: float, fate: str) -> None:
    """Add some jobs to the batch that this one is of."""
    job = teep.current_job()
    assert job is not None
    batch = job.batch
    if batch is not None:
        with suppress(Rejected), _filling(batch.bid):
            async with batch.jobs():
                for payload in _some(batch.bid, _ADDED):
                    await asyncio.sleep(seconds)
                    await teep.AsyncClient(batch.config).push(payload)
    meet(fate)


@teep.job(name=OPENS, retry_in=soon)
def chaos_opens(number: int, seconds: float, fate: str) -> None:
    """Open a batch, a child of that which this one is of, and send its jobs a few at a time."""
    job = teep.current_job()
    assert job is not None
    batch = _made(job.batch)
    with suppress(Rejected), _filling(batch.bid, _EVERY), batch.jobs(flush_every=_EVERY):
        for payload in _some(batch.bid, _OPENED):
            sleep(seconds)
            teep.Client(batch.config).push(payload)
    meet(fate)


@teep.job(name=DELETED, retry_in=soon)
def chaos_deleted(number: int, seconds: float, fate: str) -> None:
    """Succeed, if it was not deleted before."""
    meet(fate)


def _made(parent: teep.Batch | None) -> teep.Batch:
    batch = teep.Batch(linger=_LINGER, parent=parent)
    callbacks = {event: _number() for event in EVENTS}
    for event, number in callbacks.items():
        batch.on(event, "chaos", number, 0.0, Fate.SUCCEEDS.value)
    _tell("open", batch.bid, parent=batch.parent_bid, callbacks=callbacks, linger=_LINGER)
    return batch


def _some(bid: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield payloads of jobs, each noted before it is pushed, and at last note that the body of the block is over."""
    for _ in range(count):
        number, fate = _number(), _random.choices(tuple(Fate), (85, 10, 5))[0]
        _tell("push", bid, number=number, fate=fate.value)
        retry = {"retry": 0} if fate is Fate.DIES else {}
        yield {"class": "chaos", "queue": _random.choice(QUEUES), "args": [number, 0.0, fate.value], **retry}
    _tell("body", bid)


@contextmanager
def _filling(bid: str, every: int = 0) -> Iterator[None]:
    """Note how a block ends. That Redis has failed, or the batch has finished, is no failure of the job."""
    _tell("fill", bid, every=every)
    try:
        yield
    except teep.BatchClosed as error:
        _tell("closed", bid)
        raise Rejected from error
    except RedisError as error:
        _tell("fail", bid, why=repr(error))
        raise Rejected from error
    except BaseException:
        _tell("fail", bid)
        raise
    _tell("filled", bid)


def _number() -> int:
    return _BEYOND + _random.randrange(_BEYOND)


def _tell(did: str, bid: str, **more: Any) -> None:
    journal.tell({"did": did, "bid": bid, **more})
