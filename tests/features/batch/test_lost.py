"""Looking for jobs that their batch knows by an index: what is nowhere counts as discarded, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.store import compact
from teep.store.jobs import jobsets, lost, queues
from teep.wire import keys, payload
from tests.worker.fleet import Fleet

pytestmark = pytest.mark.one_server

OWNER = "far:1:aaaaaaaaaaaa"
FLIGHT = f"{{queue:default}}:inflight:{OWNER}"


def batch_of(jobs: int, flush_every: int = 2) -> teep.Batch:
    batch = teep.Batch().on("finish", "told")
    with batch.jobs(flush_every=flush_every):
        teep.Client().push_bulk({"class": "member", "args": [[number] for number in range(jobs)]})
    return batch


def status(batch: teep.Batch) -> teep.BatchStatus:
    return teep.BatchStatus(batch.bid)


def taken(here: Fleet) -> bytes:
    """Take a job out of the queue, as a program does that tells no batch."""
    raw: bytes = here.server.command("RPOP", "queue:default")
    return raw


def bix(raw: bytes) -> str:
    return str(payload.parse(raw)["bix"])


def in_flight(here: Fleet, raw: bytes) -> None:
    here.server.command("HSET", "teep:inflight", OWNER, '{"pid":1,"machine":"","started":0,"queues":["default"]}')
    here.server.command("RPUSH", FLIGHT, raw)


def at_ruby(here: Fleet, raw: bytes) -> None:
    here.server.command("SADD", "processes", "ruby:2:bbbbbbbbbbbb")
    here.server.command("HSET", "ruby:2:bbbbbbbbbbbb", "info", "{}", "beat", "1764374400.0")
    work = payload.serialise({"queue": "default", "run_at": 1764374400, "payload": raw.decode()})
    here.server.command("HSET", "ruby:2:bbbbbbbbbbbb:work", "t1", work)


PLACES: dict[str, Callable[[Fleet, bytes], object]] = {
    "queue": lambda here, raw: here.server.command("RPUSH", "queue:default", raw),
    "other queue": lambda here, raw: here.server.commands([("SADD", "queues", "x"), ("RPUSH", "queue:x", raw)]),
    "schedule": lambda here, raw: here.server.command("ZADD", "schedule", 5, raw),
    "retry": lambda here, raw: here.server.command("ZADD", "retry", 5, raw),
    "dead": lambda here, raw: here.server.command("ZADD", "dead", 5, raw),
    "in flight": in_flight,
    "at Ruby": at_ruby,
}


@pytest.mark.parametrize("place", PLACES)
def test_what_lies_somewhere_is_kept_and_what_is_nowhere_is_discarded(here: Fleet, place: str) -> None:
    other, batch = batch_of(3), batch_of(12)
    for _ in range(3):
        taken(here)
    PLACES[place](here, taken(here))
    gone = taken(here)
    assert status(batch).reconcile() == [bix(gone)]
    found = status(batch)
    assert (found.total, found.pending, found.discarded, found.finished_at) == (12, 11, 1, None)
    assert status(batch).reconcile() == []
    assert sorted(status(other).reconcile()) == ["0", "1", "8"]  # those with the same indices are of another batch
    assert status(other).finished_at is not None


def test_a_batch_all_of_whose_jobs_are_gone_is_over(here: Fleet) -> None:
    batch = batch_of(2_500, 1_000)
    here.server.command("DEL", "queue:default")
    assert len(status(batch).reconcile()) == 2_500
    assert (status(batch).pending, status(batch).discarded, status(batch).state) == (0, 2_500, "finished")
    assert teep.Queue().size() == 1


def test_failed_jobs_that_are_gone_are_not_remembered(here: Fleet) -> None:
    batch = batch_of(3)
    raws = [taken(here) for _ in range(3)]
    here.server.command("ZADD", "retry", 1, raws[0], 2, raws[1], 3, raws[2])
    teep.RetrySet().where().kill_all()
    assert (status(batch).dead, status(batch).failures) == (3, 3)
    here.server.command("ZREM", "dead", *raws[:2])
    assert sorted(status(batch).reconcile()) == sorted(map(bix, raws[:2]))
    found = status(batch)
    assert (found.pending, found.dead, found.failures) == (1, 1, 1)
    assert found.dead_jids == [payload.parse(raws[2])["jid"]]
    teep.DeadSet().clear()
    assert (status(batch).pending, status(batch).discarded) == (0, 3)


def test_both_ways_to_know_a_job_are_looked_at(here: Fleet) -> None:
    batch = batch_of(6)
    with teep.Batch(batch.bid).jobs():
        jid = teep.Client().push({"class": "member", "args": []})
    here.server.command("LPOP", "queue:default")
    gone = taken(here)
    assert status(batch).reconcile() == [jid, bix(gone)]
    assert (status(batch).pending, status(batch).discarded) == (5, 2)


def test_a_job_that_moves_behind_the_back_of_a_walk_is_found_by_another(
    here: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes from a set that is not read yet to a queue that is read already, and back, twice."""
    batch = batch_of(6)
    raw = taken(here)
    here.server.command("ZADD", "retry", 5, raw)
    looks = list[object]()

    class Walk(jobsets.Walk):
        async def next(self) -> Any:
            is_new = self._place is None and self._key == keys.schedule()
            if is_new and len(looks) < 3 and here.server.command("ZREM", "retry", raw):
                here.server.command("LPUSH", "queue:default", raw)
            return await super().next()

    async def names() -> list[str]:
        if here.server.command("LREM", "queue:default", 1, raw):
            here.server.command("ZADD", "retry", 5, raw)
        return ["default"]

    monkeypatch.setattr(jobsets, "Walk", Walk)
    monkeypatch.setattr(queues, "names", names)
    whole = lost._each

    async def each(*args: Any) -> None:
        looks.append(args)
        await whole(*args)

    monkeypatch.setattr(lost, "_each", each)
    assert status(batch).reconcile() == []
    assert len(looks) == 3
    assert status(batch).pending == 6


def test_a_job_that_ends_while_it_is_looked_for_counts_once(here: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(6)
    raw = taken(here)
    whole = compact.pending
    reads = []

    async def pending(bid: str) -> bytearray:
        reads.append(bid)
        if len(reads) == 2:
            here.server.command("RPUSH", "queue:default", raw)
            await queues.delete("default", raw)
        return await whole(bid)

    monkeypatch.setattr(compact, "pending", pending)
    assert driver_for(here.config).run(lost.reconcile(batch.bid)) == []
    assert (status(batch).pending, status(batch).discarded) == (5, 1)
