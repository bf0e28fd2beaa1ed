"""Batches in worker processes that are killed, and what the leader finds that nobody else would."""

import os
import signal
import time

import pytest

import teep
from teep.features.batch import watch
from teep.features.batch.watch import Watch
from teep.runtime.component import Component
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server

KEY = "noted"


def status(batch: teep.Batch) -> teep.BatchStatus:
    return teep.BatchStatus(batch.bid)


def push(name: str, *args: object, **fields: object) -> str:
    jid = teep.Client().push({"class": name, "args": list(args), **fields})
    assert jid is not None
    return jid


@pytest.mark.slow("two processes start, and each of the two is killed while it runs jobs")
@pytest.mark.parametrize("flush_every", [None, 10])
def test_processes_that_are_killed_lose_no_job_and_no_callback(here: Fleet, flush_every: int | None) -> None:
    batch = teep.Batch().on("success", "note", "success").on("finish", "note", "finish")
    with batch.jobs(flush_every=flush_every):
        for _ in range(40):
            push("note_later", 0.02)
    first = here.spawn("-c", "3")
    wait_until(lambda: len(here.noted()) >= 5, SOON, "some to be done")
    os.kill(first.pid, signal.SIGKILL)
    second = here.spawn("-c", "3")
    wait_until(lambda: len(here.noted()) >= 20, SOON, "some more to be done")
    os.kill(second.pid, signal.SIGKILL)
    assert not here.noted("success")
    here.spawn("-c", "3")
    here.wait_for_notes(1, "success")
    here.wait_for_notes(1, "finish")
    found = status(batch)
    assert (found.total, found.pending, found.failures, found.state) == (40, 0, 0, "success")
    assert len(set(here.noted())) == 40
    assert len(here.noted("success")) == len(here.noted("finish")) == 1
    assert here.noted("success") == [found.callbacks["success"][0].jid]


def test_a_poison_job_is_dead_to_its_batch(here: Fleet) -> None:
    batch = teep.Batch().on("death", "note", "death")
    with batch.jobs():
        jid = push("kill_the_process", queue="default")
    raw = here.queue()[0].replace(b"}", b',"rescues":2}')
    here.server.command("DEL", "queue:default")
    here.server.command("RPUSH", "{queue:default}:inflight:far:1:aaaaaaaaaaaa", raw)
    here.server.command("SADD", "teep:inflight:far:1:aaaaaaaaaaaa:suspects", jid)
    here.server.command(
        "HSET", "teep:inflight", "far:1:aaaaaaaaaaaa", '{"pid":1,"machine":"","started":0,"queues":["default"]}'
    )
    here.start(queues=["none"])
    wait_until(lambda: status(batch).dead == 1, SOON, "its burial")
    assert status(batch).dead_jids == [jid]
    assert [job["class"] for job in map(dict, (entry.item for entry in teep.Queue()))] == ["note"]


@pytest.fixture
def watching(here: Fleet) -> Watch:
    """What a leader does, a turn at a time."""
    return Watch(Component.alone(here.config, lambda error, _: pytest.fail(str(error))))


def test_the_leader_looks_for_the_jobs_of_a_batch_that_makes_no_progress_for_a_day(
    here: Fleet, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = teep.Batch()
    with batch.jobs():
        push("lost")
        push("kept", at=time.time() + 3600)
    here.server.command("DEL", "queue:default")
    watching.run_once()
    watching.run_once()
    assert status(batch).pending == 2
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    watching.run_once()
    assert (status(batch).pending, status(batch).discarded) == (1, 1)


def test_a_leader_whose_clock_was_ahead_stops_no_look(
    here: Fleet, watching: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = teep.Batch()
    with batch.jobs():
        push("lost")
    here.server.command("DEL", "queue:default")
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", lambda: 4e9)
        watching.run_once()
    assert status(batch).pending == 1
    watching.run_once()
    assert status(batch).pending == 0


def test_the_leader_closes_what_was_abandoned_and_forgets_what_is_gone(here: Fleet, watching: Watch) -> None:
    gone = [teep.Batch(linger=0.001) for _ in range(3)]
    for batch in gone:
        with batch.jobs():
            pass
    workflow = teep.Workflow("gone")
    workflow.add("only", teep.job(name="only")(push).s("only"))
    workflow.start()
    assert teep.BatchStatus(workflow.bid).delete()
    assert here.server.command("ZCARD", "teep:workflows") == 1
    batch = teep.Batch().on("finish", "note", "finish")
    with batch.jobs():
        pass
    held = teep.Batch().on("finish", "note", "finish")
    with held.jobs():
        push("note")
    here.server.command("ZADD", f"{{teep:batch:{held.bid}}}:openers", 1e15, "token")
    teep.Queue().where(bid=held.bid).delete_all()
    watching.run_once()
    assert status(held).finished_at is None
    here.server.command("ZADD", f"{{teep:batch:{held.bid}}}:openers", 1, "token")
    wait_until(lambda: here.server.command("PTTL", f"{{teep:batch:{gone[0].bid}}}") == -2, SOON, "the linger")
    watching.run_once()
    assert {found.bid for found in teep.BatchSet()} == {batch.bid, held.bid}
    assert here.server.command("ZCARD", "teep:batches") == 2
    assert here.server.command("ZCARD", "teep:workflows") == 0
    assert status(held).finished_at is not None
    assert status(held).abandoned
