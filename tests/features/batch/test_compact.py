"""Batches that know jobs by an index: those of blocks that are sent in several steps, a bit each and no jid."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep.client.delivery import transactions
from teep.config import driver_for
from teep.errors import BatchClosed, NotMoved, RedisUnavailable
from teep.store import compact
from teep.store.batches import EVENTS
from teep.wire import keys, payload
from tests.features.batch.test_members import Transaction
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


class Jobs:
    """Jobs, and the events that callbacks have told of."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fails = False

        @teep.job(name="member", retry=1, retry_in=lambda *_: 3600)
        def member(number: int = 0) -> None:
            if self.fails:
                raise ZeroDivisionError

        @teep.job(name="alone", unique_for=60)
        def alone(number: int = 0) -> None: ...

        @teep.job(name="told")
        def note(event: str) -> None:
            self.told.append(event)

        self.member, self.alone, self.note = member, alone, note

    def batch(self, **options: Any) -> teep.Batch:
        batch = teep.Batch(**options)
        for event in EVENTS:
            batch.on(event, self.note, event)
        return batch

    def await_told(self, *events: str) -> None:
        wait_until(lambda: self.told == list(events), SOON, lambda: f"{events}: {self.told}")


ALL = ("complete", "success", "finish")


@pytest.fixture
def jobs(own_registry: None) -> Jobs:
    return Jobs()


def status(batch: teep.Batch) -> teep.BatchStatus:
    return teep.BatchStatus(batch.bid)


def waiting(queue: str = "default") -> list[dict[str, Any]]:
    """The payloads of a queue, the oldest first."""
    return [job.item for job in teep.Queue(queue)][::-1]


def indices(here: Fleet, batch: teep.Batch) -> list[int]:
    """Which bits of a batch are set."""
    found = compact.indices(here.server.command("GET", keys.batch_bits(batch.bid)) or b"")
    assert len(found) == int(here.server.command("HGET", keys.batch(batch.bid), "bits") or 0)
    return found


def test_a_block_of_one_step_remembers_jids_and_one_of_several_bits(here: Fleet, jobs: Jobs) -> None:
    small, large = jobs.batch(), jobs.batch()
    with small.jobs():
        jobs.member.perform_bulk([(1,)] * 5)
    with large.jobs(flush_every=3):
        jids = jobs.member.perform_bulk([(1,)] * 5)
    assert (status(small).compact, status(large).compact) == (False, True)
    assert here.server.command("SCARD", f"{keys.batch(small.bid)}:pending") == 5
    assert not here.server.command("EXISTS", f"{keys.batch(large.bid)}:pending")
    assert indices(here, small) == []
    assert indices(here, large) == [0, 1, 2, 8, 9]
    assert [(job["jid"], job["bix"]) for job in waiting()[5:]] == list(zip(jids, [0, 1, 2, 8, 9], strict=True))
    for found in (status(small), status(large)):
        assert (found.total, found.pending, found.failures, found.progress) == (5, 5, 0, 0.0)


def test_a_pending_job_takes_a_bit(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_bulk((number,) for number in range(20_000))
    assert status(batch).pending == 20_000
    beside = sum(here.server.command("MEMORY", "USAGE", key) for key in here.server.command("KEYS", "*teep:batch*"))
    assert beside < 2 * 20_000 / 8 + 3_000  # strings are given twice the room while they grow
    assert all(here.server.command("PTTL", key) > 0 for key in here.server.command("KEYS", "{teep:batch*"))


def test_jobs_of_every_kind_are_members(here: Fleet, jobs: Jobs) -> None:
    jobs.alone.perform_async(1)
    batch = jobs.batch()
    with batch.jobs(flush_every=4):
        for number in range(3):
            jobs.member.perform_async(number)
            jobs.alone.perform_async(number)
        jobs.member.set(queue="other").perform_bulk([(1,), (2,)])
        jobs.member.perform_in(0.3, 5)
        jobs.member.perform_bulk([(6,), (7,)], at=1.0)
        jobs.member.set(queue="other").perform_in(3600, 5)
    there = [*waiting(), *waiting("other"), *(entry.item for entry in teep.ScheduledSet())]
    members = [job for job in there if job.get("bid") == batch.bid]
    assert sorted(job["bix"] for job in members) == indices(here, batch)
    assert len(members) == status(batch).total == status(batch).pending == 11  # and one unique job was refused
    assert all(payload.parse(entry.raw)["bix"] >= 0 for entry in teep.ScheduledSet())
    for entry in teep.ScheduledSet():
        entry.add_to_queue()
    here.start(concurrency=1, queues=["default", "other"])
    jobs.await_told(*ALL)
    assert (status(batch).pending, status(batch).state) == (0, "success")
    assert indices(here, batch) == []


def test_blocks_that_add_at_the_same_time_share_no_index(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    together = threading.Barrier(3)

    def add() -> None:
        with teep.Batch(batch.bid).jobs(flush_every=3):
            for number in range(40):
                jobs.member.perform_async(number)
                if number == 3:
                    together.wait(SOON)

    with batch.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        together.wait(SOON)
        jobs.member.perform_bulk((number,) for number in range(60))
        for thread in threads:
            thread.join(SOON)
    taken = [job["bix"] for job in waiting()]
    assert len(set(taken)) == len(taken) == status(batch).total == 142
    assert sorted(taken) == indices(here, batch)


def test_jobs_that_are_added_one_by_one_are_known_by_their_jids_among_others(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    with teep.Batch(batch.bid).jobs():
        added = jobs.member.perform_async(3)
    assert here.server.command("SMEMBERS", f"{keys.batch(batch.bid)}:pending") == {str(added).encode()}
    assert (status(batch).total, status(batch).pending) == (3, 3)
    here.start(concurrency=1)
    jobs.await_told(*ALL)
    assert status(batch).pending == 0


def test_failed_and_dead_jobs_are_known_by_their_jids_until_they_succeed(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = True
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        jids = jobs.member.perform_bulk([(1,), (2,)])
    here.start(concurrency=1)
    jobs.await_told("complete")
    first, second = teep.RetrySet()
    first.kill()
    second.kill()
    jobs.await_told("complete", "death", "finish")
    found = status(batch)
    assert found.failed_jids == found.dead_jids == sorted(filter(None, jids))
    assert (found.pending, found.failures, found.dead, found.state) == (2, 2, 2, "dead")
    jobs.fails = False
    assert status(batch).retry_failed() == 2
    jobs.await_told("complete", "death", "finish", "success")
    assert (status(batch).pending, status(batch).failed_jids, status(batch).dead_jids) == (0, [], [])


def test_the_callbacks_of_a_child_are_jobs_of_a_parent_with_indices(here: Fleet, jobs: Jobs) -> None:
    parent = jobs.batch()
    with parent.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
        child = teep.Batch(callback_queue="later").on("finish", jobs.note, "child")
        with child.jobs(flush_every=1):
            jobs.member.perform_bulk([(3,), (4,)])
    here.start(concurrency=1)
    wait_until(lambda: teep.Queue("later").size() == 1, SOON, "the child's callback")
    wait_until(lambda: status(parent).pending == 1, SOON, "the other jobs of the parent")
    assert (status(child).state, status(parent).total, jobs.told) == ("success", 3, [])
    here.start(concurrency=1, queues=["later"])
    jobs.await_told("child", *ALL)


def test_a_closed_batch_takes_no_job_of_a_step(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        pass
    teep.Queue().clear()
    for flush_every in (1, 5):
        with pytest.raises(BatchClosed, match="has finished"), teep.Batch(batch.bid).jobs(flush_every=flush_every):
            jobs.member.perform_bulk([(1,)] * 7)
    with pytest.raises(BatchClosed, match="is not known"), teep.Batch("0" * 24).jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    assert teep.Queue().size() == 0
    assert (status(batch).total, status(batch).state) == (0, "success")
    assert here.server.command("KEYS", f"*{'0' * 24}*") == []


def test_a_batch_that_is_deleted_meanwhile_takes_no_more(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with pytest.raises(BatchClosed, match="is not known"), batch.jobs(flush_every=2):
        jobs.member.perform_bulk([(1,)] * 4)
        status(batch).delete()
        jobs.member.perform_bulk([(1,)] * 4)
    assert len({job["jid"] for job in waiting()}) == 2
    here.start(concurrency=1)
    here.wait_until_processed(2)
    assert here.server.command("KEYS", "*teep:batch*") == []


@pytest.fixture
def proxy(here: Fleet, jobs: Jobs) -> Iterator[Proxy]:
    """A proxy before a server that knows the scripts, so that the next step is sent once."""
    with teep.Batch().jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    here.server.flushall()
    with Proxy(here.server.port) as one:
        yield one


def test_a_step_that_is_sent_again_after_a_lost_answer_counts_once(
    here: Fleet, jobs: Jobs, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = Transaction()
    monkeypatch.setattr(transactions, "_sources", {"test": lambda: [transaction]})
    batch = jobs.batch(config=here.configure(redis_url=proxy.url))
    with batch.jobs(flush_every=3):
        teep.Client(batch.config).push_bulk({"class": "member", "args": [[number] for number in range(6)]})
    monkeypatch.setattr(transactions, "_sources", {})
    proxy.lose_answer(b"compact.fill")
    transactions.send([held for held in transaction.held if held.is_due()])
    assert len(waiting()) == 12  # under 6 jids
    assert (status(batch).total, status(batch).pending) == (6, 6)
    assert len(indices(here, batch)) == 6
    here.start(concurrency=1)
    here.wait_until_processed(12 + 3)
    assert jobs.told.count("finish") == jobs.told.count("success") == 1
    assert (status(batch).pending, status(batch).state) == (0, "success")


def test_a_block_whose_first_step_may_be_sent_leaves_the_batch_invalid(here: Fleet, jobs: Jobs, proxy: Proxy) -> None:
    batch = jobs.batch(config=here.configure(redis_url=proxy.url))
    proxy.lose_answer(b"compact.fill")
    with pytest.raises(RedisUnavailable), batch.jobs(flush_every=2):
        teep.Client(batch.config).push_bulk({"class": "member", "args": [[number] for number in range(6)]})
    found = status(batch)
    assert (found.total, found.pending, found.invalid) == (2, 2, True)
    assert not here.server.command("EXISTS", f"{keys.batch(batch.bid)}:openers")


def test_a_queue_that_redis_refuses_costs_the_jobs_of_that_queue(here: Fleet, jobs: Jobs) -> None:
    here.server.command("SET", "queue:bad", "a string")
    batch = jobs.batch()
    with pytest.raises(NotMoved, match=r"WRONGTYPE .*; not pushed: 3 jobs of batch") as told, batch.jobs() as block:
        jobs.member.set(queue="bad").perform_bulk([(1,)] * 3)
        jobs.member.perform_bulk([(1,)] * 2)
        run(block)
    assert told.value.moved == 2
    found = status(batch)
    assert (found.total, found.pending, found.invalid) == (2, 2, True)
    assert [job["bix"] for job in waiting()] == indices(here, batch)


def run(block: Any) -> None:
    """Send what a block has collected, as if it were full."""
    driver_for(block.config).run(block.flush())


@pytest.mark.parametrize("bix", [5, 4_000_000, 2**32 - 1, -1, 2**40, "1", True, None])
def test_an_index_that_no_job_has_changes_nothing(here: Fleet, jobs: Jobs, bix: Any) -> None:
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    before = indices(here, batch)
    odd = {**waiting()[0], "jid": "f" * 24, "bix": bix, "queue": "odd"}  # no client writes such a one
    here.server.command("RPUSH", "queue:odd", payload.serialise(odd))
    here.start(concurrency=1, queues=["odd"])
    here.wait_until_processed(1)
    jobs.fails = True
    here.server.command("RPUSH", "queue:odd", payload.serialise(odd))
    wait_until(lambda: teep.RetrySet().size() == 1, SOON, "its failure")
    teep.RetrySet().kill_all()
    teep.DeadSet().clear()
    assert indices(here, batch) == before
    assert (status(batch).pending, status(batch).failures, status(batch).discarded) == (2, 0, 0)
    assert here.server.command("STRLEN", keys.batch_bits(batch.bid)) == 2


def test_a_copy_of_a_job_is_no_member(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    copied = {name: value for name, value in waiting()[0].items() if name != "jid"}
    teep.Client().push(copied)
    assert "bix" not in waiting()[2]
    teep.Queue().where(match='"bix"*').delete_all()
    assert status(batch).pending == 2
    for job in teep.Queue():
        assert job.bid == batch.bid
        if "bix" not in job.item:
            job.delete()
    assert (status(batch).pending, len(indices(here, batch))) == (2, 2)


def test_nothing_is_left_after_the_linger_and_late_ends_bring_nothing_back(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch(linger=0.05)
    with batch.jobs(flush_every=1):
        jobs.member.perform_bulk([(1,), (2,)])
    raws = here.server.command("LRANGE", "queue:default", 0, -1)
    here.start(concurrency=1)
    jobs.await_told(*ALL)
    wait_until(lambda: here.server.command("KEYS", "{teep:batch:*") == [], SOON, "all to be forgotten")
    here.server.command("RPUSH", "queue:default", *raws)
    here.wait_until_processed(2 + 3 + 2)
    assert here.server.command("KEYS", "{teep:batch:*") == []


def test_the_jobs_of_an_invalid_batch_are_skipped(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs(flush_every=2):
        jobs.member.perform_bulk([(1,)] * 6)
    status(batch).invalidate_all()
    here.start(concurrency=1)
    jobs.await_told("complete", "finish")
    assert (status(batch).discarded, status(batch).pending) == (6, 0)


def test_a_block_in_a_transaction_has_indices_as_far_as_its_batch_could_reserve_them(
    here: Fleet, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = Transaction()
    monkeypatch.setattr(transactions, "_sources", {"test": lambda: [transaction]})
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        for number in range(20):
            jobs.member.perform_async(number)
    assert here.server.everything() == {}
    monkeypatch.setattr(transactions, "_sources", {})
    transactions.send([held for held in transaction.held if held.is_due()])
    assert [number for number, job in enumerate(waiting()) if "bix" in job] == list(range(16))
    assert (status(batch).total, status(batch).pending) == (20, 20)
    here.start(concurrency=1)
    jobs.await_told(*ALL)
