"""Jobs that add to their own batch, or open one; each says in the journal what it is about to do, and has done."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import teep
from teep.errors import RedisError
from teep.store.batches import EVENTS, Event
from teep.store.nodes import Policy
from tests.chaos import journal
from tests.chaos.jobs import chaos, meet, sleep, soon
from tests.chaos.kinds import ADDS, DELETED, OPENS, QUEUES, Fate

# Numbers of jobs that jobs push: the pusher counts its own from 0 on.
_BEYOND = 1 << 40
_ADDED, _OPENED, _EVERY = 2, 7, 2
_LINGER = 600.0
_WORKFLOWS = 0.3
_random = random.SystemRandom()


_Watched = TypeVar("_Watched", teep.Batch, teep.Workflow)


class Rejected(Exception):
    """What a block raised that Redis was to blame for: the job goes on."""


@teep.job(name=ADDS, retry_in=soon)
async def chaos_adds(number: int, seconds: float, fate: str) -> None:
    """Add some jobs to the batch that this one is of, or nodes after this one to its workflow."""
    job = teep.current_job()
    assert job is not None
    if job.workflow is not None:
        await _append(job.workflow, str(job.payload["node"]), seconds)
    elif (batch := job.batch) is not None:
        with suppress(Rejected), _filling(batch.bid):
            async with batch.jobs():
                for payload in _some(batch.bid, _ADDED):
                    await asyncio.sleep(seconds)
                    await teep.AsyncClient(batch.config).push(payload)
    meet(fate)


async def _append(workflow: teep.Workflow, node: str, seconds: float) -> None:
    with suppress(Rejected), _filling(workflow.bid):
        _add_chain(workflow, node)
        await asyncio.sleep(seconds)
        await workflow.astart()


@teep.job(name=OPENS, retry_in=soon)
def chaos_opens(number: int, seconds: float, fate: str) -> None:
    """Open a batch, whose jobs are sent a few at a time, or a workflow: a child of what this job is of."""
    job = teep.current_job()
    assert job is not None
    parent = job.workflow or job.batch
    node = job.payload.get("node")
    if _random.random() < _WORKFLOWS:
        _open_workflow(parent, node)
    else:
        _open_batch(parent, node, seconds)
    meet(fate)


def _open_workflow(parent: teep.Batch | teep.Workflow | None, node: str | None) -> None:
    workflow = _declared(teep.Workflow("of a job", linger=_LINGER, parent=parent), node)
    with suppress(Rejected), _filling(workflow.bid):
        _add_chain(workflow, None)
        workflow.start()


def _open_batch(parent: teep.Batch | teep.Workflow | None, node: str | None, seconds: float) -> None:
    batch = _declared(teep.Batch(linger=_LINGER, parent=parent), node)
    with suppress(Rejected), _filling(batch.bid, _EVERY), batch.jobs(flush_every=_EVERY):
        for payload in _some(batch.bid, _OPENED):
            sleep(seconds)
            teep.Client(batch.config).push(payload)


def _add_chain(workflow: teep.Workflow, after: str | None) -> None:
    """Add nodes one after the other, each noted before."""
    for _ in range(_ADDED):
        number, fate = _number(), _fate()
        name = f"more {number}"
        edges: dict[str, Policy] = {} if after is None else {after: _random.choice(("stop", "skip", "always"))}
        _tell("push", workflow.bid, number=number, fate=fate.value, node=name, after=edges)
        job = chaos.s(number, 0.0, fate.value).set(queue=_random.choice(QUEUES))
        workflow.add(name, job.set(retry=0) if fate is Fate.DIES else job, after=edges)
        after = name
    _tell("body", workflow.bid)


@teep.job(name=DELETED, retry_in=soon)
def chaos_deleted(number: int, seconds: float, fate: str) -> None:
    """Succeed, if it was not deleted before."""
    meet(fate)


def _declared(batch: _Watched, node: str | None) -> _Watched:
    """Give a batch or workflow its callbacks, and note it."""
    callbacks: dict[Event, int] = {event: _number() for event in EVENTS}
    for event, number in callbacks.items():
        batch.on(event, "chaos", number, 0.0, Fate.SUCCEEDS.value)
    _tell("open", batch.bid, parent=batch.parent_bid, node=node, callbacks=callbacks, linger=_LINGER)
    return batch


def _some(bid: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield payloads of jobs, each noted before it is pushed, and at last note that the body of the block is over."""
    for _ in range(count):
        number, fate = _number(), _fate()
        _tell("push", bid, number=number, fate=fate.value, node=None)
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


def _fate() -> Fate:
    return _random.choices(tuple(Fate), (85, 10, 5))[0]


def _number() -> int:
    return _BEYOND + _random.randrange(_BEYOND)


def _tell(did: str, bid: str, **more: Any) -> None:
    journal.tell({"did": did, "bid": bid, **more})
