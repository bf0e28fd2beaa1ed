"""Finding a job wherever it is: at a worker, in any queue, in any set, or nowhere."""

from collections.abc import Coroutine
from datetime import date
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

import teep
from teep.config import driver_for
from teep.store.jobs import queues
from teep.store.running import inflight, owners
from teep.store.running.outcome import Outcome
from teep.store.running.owners import Owner
from teep.wire.keys import Key
from tests.api.sides import Side, jid, job, raw
from tests.support import golden
from tests.support.plans import exchange

ME = Owner("host:1:abc", 1, "machine", 0, ("default", "low"))
TODAY = date(2026, 11, 24)


def find(side: Side, jid: str | None) -> Any:
    """`teep.find_job`, or its twin awaited."""
    return side.run((teep.find_job if side.name == "sync" else teep.async_find_job)(jid, config=side.config))


def plan(side: Side, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Do what a worker does."""
    return driver_for(side.config).run(coroutine)


def reserve(side: Side, queue: str, limit: int = 1) -> Any:
    plan(side, owners.register(ME))
    jobs, _ = plan(side, exchange(ME.identity, {}, [queue], limit, TODAY))
    return jobs


def lay_everywhere(side: Side) -> None:
    side.push(job(1))
    side.push(job(2), queue="low")
    side.push(job(3), queue="with space ☃")
    side.add("schedule", {2e9: job(4)})
    side.add("retry", {2e9 + 0.5: job(5, error_class="E")})
    side.add("dead", {1e9: job(6)})


@pytest.mark.parametrize(
    ("number", "where", "queue"),
    [
        (1, "queued", "default"),
        (2, "queued", "low"),
        (3, "queued", "with space ☃"),
        (4, "scheduled", "default"),
        (5, "retrying", "default"),
        (6, "dead", "default"),
    ],
)
def test_a_job_is_found_where_it_is(side: Side, number: int, where: str, queue: str) -> None:
    lay_everywhere(side)
    found = find(side, jid(number))
    assert found.where == where
    assert (found.record.jid, found.record.args, found.record.queue) == (jid(number), [number], queue)
    kind = "JobRecord" if where == "queued" else "SortedEntry"
    assert type(found) is side.kind("Located")
    assert type(found.record) is side.kind(kind)
    assert getattr(found.record, "score", None) == {4: 2e9, 5: 2e9 + 0.5, 6: 1e9}.get(number)
    assert side.run(found.record.delete()) is True
    assert find(side, jid(number)) is None


def test_a_job_at_a_worker_is_found_there(side: Side) -> None:
    lay_everywhere(side)
    assert reserve(side, "low") == [("low", raw(job(2)))]
    found = find(side, jid(2))
    assert (found.where, found.record.args, found.record.queue) == ("working", [2], "low")
    assert type(found.record) is side.kind("JobRecord")
    assert find(side, jid(1)).where == "queued"


def test_the_life_of_a_job(side: Side) -> None:
    side.add("schedule", {2e9: job(1)})
    assert find(side, jid(1)).where == "scheduled"
    side.run(find(side, jid(1)).record.add_to_queue())
    assert find(side, jid(1)).where == "queued"
    ((queue, payload),) = reserve(side, "default")
    assert find(side, jid(1)).where == "working"
    plan(side, inflight.settle(ME.identity, [Outcome(queue, payload, Key("retry"), 2e9, payload)], TODAY))
    assert find(side, jid(1)).where == "retrying"
    side.run(find(side, jid(1)).record.kill())
    assert find(side, jid(1)).where == "dead"
    side.run(find(side, jid(1)).record.retry())
    ((queue, payload),) = reserve(side, "default")
    plan(side, exchange(ME.identity, {queue: [payload]}, [], 0, TODAY))
    assert find(side, jid(1)) is None


def test_a_jid_that_is_nowhere_is_not_found(side: Side) -> None:
    assert find(side, jid(1)) is None
    lay_everywhere(side)
    named = {"args": [jid(9)], "parent": jid(9)}
    side.push(job(7, **named), "no job", f"{jid(9)} no job", queue="low")
    for name in ("schedule", "retry", "dead"):
        side.add(name, {5.0: job(8, **named), 6.0: f'["{jid(9)}"]'})
    reserve(side, "low", 2)
    for absent in (jid(9), jid(1)[:-1], ""):
        assert find(side, absent) is None


def test_a_job_that_a_worker_takes_during_the_search_is_found_at_it(side: Side) -> None:
    side.push(job(1))
    names = queues.names

    async def taken() -> list[str]:
        await owners.register(ME)
        await exchange(ME.identity, {}, ["default"], 1, TODAY)
        return await names()

    with patch.object(queues, "names", taken):
        found = find(side, jid(1))
    assert (found.where, found.record.args) == ("working", [1])


def test_a_client_says_which_redis(side: Side) -> None:
    side.push(job(1))
    client = teep.Client(side.config)
    found = teep.find_job(jid(1), client=client)
    assert found is not None
    assert (found.where, found.record.config) == ("queued", side.config)


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_a_job_that_runs_at_ruby_is_working(side: Side, version: str) -> None:
    recorded = golden.load(version, "22-busy")
    golden.restore(side.server, recorded)
    (_, _, work), *_ = teep.WorkSet(config=side.config)
    found = find(side, work.job.jid)
    assert (found.where, found.record.jid, found.record.args) == ("working", work.job.jid, work.job.args)


def test_what_a_push_returned_can_be_looked_for_also_if_it_is_none(side: Side) -> None:
    lay_everywhere(side)
    queue = side.Queue()
    for look in (queue.find_job, side.RetrySet().find_job, side.WorkSet().find_work, partial(find, side)):
        assert side.run(look(None)) is None
    assert side.run(queue.delete_job(None)) is False
    assert side.run(side.Client().cancel(None)) is None
