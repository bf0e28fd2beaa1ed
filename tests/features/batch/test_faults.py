"""The faults that batches of other systems have had, by the number and the name that they go under; none is here.

Each names where it was met: Sidekiq Pro, breamware/sidekiq-batch, GoodJob, BullMQ, Celery and Oban.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.errors import BatchClosed
from teep.features.batch import feature
from teep.store import batches
from teep.store.running import inflight
from teep.wire import payload
from tests.features.batch.world import World
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


class Jobs:
    """Members that do what a test says, and callbacks that note their event."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.fails: set[str] = set()
        self.then: Callable[[str], object] = lambda _: None
        self.seen: list[str | None] = []

        @teep.job(name="member", retry=1, retry_in=lambda *_: 3600)
        def member(word: str = "") -> None:
            self.ran.append(word)
            self.then(word)
            if word in self.fails:
                raise ZeroDivisionError

        @teep.job(name="told")
        def told(event: str, word: str = "") -> None:
            self.told.append((event, word))
            job = teep.current_job()
            assert job is not None
            self.seen.append(None if job.batch is None else job.batch.bid)

        self.member, self.callback = member, told

    def batch(self, word: str = "", **options: Any) -> teep.Batch:
        """A batch that tells of each of its events."""
        batch = teep.Batch(**options)
        for event in batches.EVENTS:
            batch.on(event, self.callback, event, word)
        return batch

    def await_told(self, *events: str, word: str = "") -> None:
        wait_until(
            lambda: [event for event, of in self.told if of == word] == list(events),
            SOON,
            lambda: f"{events}: {self.told}",
        )


@pytest.fixture
def jobs(own_registry: None) -> Jobs:
    return Jobs()


def status(batch: teep.Batch | str) -> teep.BatchStatus:
    return teep.BatchStatus(batch if isinstance(batch, str) else batch.bid)


def jid_of(jid: str | None) -> str:
    assert jid is not None
    return jid


# Fault 1: `pending` is a counter and goes negative, so that callbacks never come, or twice (sidekiq#6852).
def test_01_a_job_that_runs_twice_counts_once(server: Server) -> None:
    world = World(server)
    bid = world.open(jobs=2)
    first = world.take("one")
    assert first
    world.give_up("one")
    again = world.take("two")
    assert again == first
    world.succeed("one", first)
    world.succeed("two", first)
    world.succeed("one", first)
    world.check()
    assert len(world.model.batches[bid].jobs) == 1


@pytest.mark.parametrize("how", ["done", "failed", "dead", "discarded", "deleted"])
def test_01_a_copy_of_a_job_that_is_over_changes_nothing(server: Server, how: str) -> None:
    world = World(server)
    world.open(jobs=1)
    raw = world.take("one")
    assert raw
    world.succeed("one", raw)
    world.check()
    server.command("RPUSH", "queue:q", raw)  # as a push whose answer was lost is repeated
    if how == "deleted":
        world.delete("queue", raw)
    else:
        assert world.take("two") == raw
        world.succeed("two", raw) if how == "done" else world.settle("two", raw, how)
    world.check()


# Fault 2: callbacks before all jobs were added (breamware#69, #100).
def test_02_a_fast_first_job_does_not_end_a_batch_whose_block_is_slow(here: Fleet, jobs: Jobs) -> None:
    here.start(concurrency=1)
    batch = jobs.batch()
    with batch.jobs(flush_every=1):
        jobs.member.perform_async("a")
        jobs.member.perform_async("b")
        wait_until(lambda: jobs.ran == ["a"] and status(batch).pending == 0, SOON, "the first job")
        assert status(batch).finished_at is None
    jobs.await_told("complete", "success", "finish")
    assert sorted(jobs.ran) == ["a", "b"]


# Fault 3: a job adds another one to its batch, which ends before (breamware#50).
def test_03_a_batch_cannot_end_under_the_job_that_adds_to_it(here: Fleet, jobs: Jobs) -> None:
    def add(word: str) -> None:
        job = teep.current_job()
        assert job is not None
        assert job.batch is not None
        if len(word) < 4:
            with job.batch.jobs():
                jobs.member.perform_async(word + "a")

    jobs.then = add
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_async("a")
    here.start(concurrency=1)
    jobs.await_told("complete", "success", "finish")
    assert jobs.ran == ["a", "aa", "aaa", "aaaa"]
    assert status(batch).total == 4


# Fault 4: what a batch's job pushes is taken for a job of the batch (breamware#90).
def test_04_what_a_job_pushes_outside_of_a_block_is_none_of_the_batch(here: Fleet, jobs: Jobs) -> None:
    jobs.then = lambda word: jobs.member.perform_in(3600, "outside") if word == "a" else None
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_async("a")
    here.start(concurrency=1)
    jobs.await_told("complete", "success", "finish")
    assert status(batch).total == 1
    assert [entry.bid for entry in teep.ScheduledSet()] == [None]
    assert jobs.seen == [batch.bid] * 3  # and a callback knows its batch, and is none of it


# Faults 5 and 10: two workers both see the last job end, and push the callbacks twice (breamware; good_job#832).
def test_05_and_10_workers_that_end_the_last_jobs_at_once_push_each_callback_once(here: Fleet, jobs: Jobs) -> None:
    barrier = threading.Barrier(4)
    jobs.then = lambda _: barrier.wait(SOON)
    workers = [here.start(concurrency=2) for _ in range(2)]
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_bulk([("a",)] * 4)
    here.wait_until_processed(7)
    assert sorted(event for event, _ in jobs.told) == ["complete", "finish", "success"]
    assert workers


# Fault 6: the jobs of a child are counted as those of the parent (breamware).
def test_06_a_parent_has_child_batches_and_their_callbacks_but_not_their_jobs(here: Fleet, jobs: Jobs) -> None:
    parent = jobs.batch("parent")
    with parent.jobs():
        jobs.member.perform_async("p")
        child = teep.Batch().on("success", jobs.callback, "success", "child")
        with child.jobs():
            jobs.member.perform_bulk([("c",)] * 3)
    assert (status(parent).total, status(parent).children) == (1, [child.bid])
    assert (status(child).total, status(child).parent) == (3, parent.bid)
    here.start(concurrency=1)
    jobs.await_told("complete", "success", "finish", word="parent")
    assert jobs.told.index(("success", "child")) < jobs.told.index(("complete", "parent"))
    assert status(parent).total == 2


# Fault 7: a job that is lost or removed leaves its batch stuck, "probably the #1 issue" (sidekiq#5143, #5894).
@pytest.mark.parametrize("way", ["delete", "where", "clear", "cancel", "by jid", "kill"])
def test_07_a_job_that_is_removed_leaves_its_batch(here: Fleet, jobs: Jobs, way: str) -> None:
    batch = jobs.batch(callback_queue="callbacks")
    with batch.jobs():
        jid = jid_of(jobs.member.perform_async("a"))
    queue = teep.Queue()
    ways: dict[str, Callable[[], object]] = {
        "delete": lambda: [job.delete() for job in queue],
        "where": lambda: queue.where(bid=batch.bid).delete_all(),
        "clear": queue.clear,
        "cancel": lambda: teep.Client().cancel(jid),
        "by jid": lambda: queue.delete_job(jid),
        "kill": lambda: queue.where(klass="member").kill_all(),
    }
    ways[way]()
    found = status(batch)
    assert found.finished_at is not None
    assert found.fired_at("success") is None
    assert (found.discarded, found.dead) == ((0, 1) if way == "kill" else (1, 0))


def test_07_a_batch_whose_job_a_ruby_process_has_deleted_is_found_by_looking(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        lost, kept = jid_of(jobs.member.perform_async("a")), jobs.member.perform_in(60, "b")
    here.server.command("DEL", "queue:default")
    assert status(batch).pending == 2
    assert status(batch).reconcile() == [lost]
    assert (status(batch).pending, status(batch).discarded) == (1, 1)
    assert status(batch).reconcile() == []
    assert teep.ScheduledSet().delete_by_jid(next(iter(teep.ScheduledSet())).score, jid_of(kept))
    assert status(batch).finished_at is not None


# Fault 8: a jid that is both pending and dead (sidekiq#6260).
def test_08_a_dead_job_is_one_of_the_pending_and_of_the_failed(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = {"a"}
    batch = jobs.batch()
    with batch.jobs():
        jid = jid_of(jobs.member.set(retry=0).perform_async("a"))
        jobs.member.perform_async("b")
    here.start(concurrency=1)
    jobs.await_told("death", "complete", "finish")
    found = status(batch)
    assert (found.total, found.pending, found.failures, found.dead, found.state) == (2, 1, 1, 1, "dead")
    assert found.failed_jids == found.dead_jids == [jid]
    assert found.progress == 1.0


# Fault 9: a callback that is retried for weeks, since its batch is gone (sidekiq#6329).
def test_09_a_callback_runs_though_its_batch_is_gone(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_async("a")
    worker = here.start(concurrency=1, queues=["default"])
    jobs.await_told("complete", "success", "finish")
    worker.stop(1)
    jobs.told.clear()
    with (again := jobs.batch()).jobs():
        pass
    here.server.command("UNLINK", *here.server.command("KEYS", "*teep:batch*"))
    here.start(concurrency=1)
    jobs.await_told("complete", "success", "finish")
    assert not status(again).is_known
    assert status(again).state == "unknown"
    assert status(again).wait(timeout=5) is False


# Fault 11: a dead job is sent back and succeeds, and "success" never comes (good_job#1450).
def test_11_success_is_reached_from_the_dead_set(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = {"a"}
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.set(retry=0).perform_async("a")
    here.start(concurrency=1)
    jobs.await_told("death", "complete", "finish")
    assert 170 * 86_400 < here.server.command("TTL", f"{{teep:batch:{batch.bid}}}") <= 180 * 86_400
    assert status(batch).retry_failed() == 1  # it dies again, and that is no second death
    wait_until(lambda: len(jobs.ran) == 2 and teep.DeadSet().size() == 1, SOON, "another death")
    jobs.fails = set()
    assert status(batch).retry_failed() == 1
    jobs.await_told("death", "complete", "finish", "success")
    assert (status(batch).pending, status(batch).state) == (0, "success")


# Fault 12: a bulk push that the batch does not see (good_job#1719).
def test_12_a_bulk_push_is_seen(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_bulk([("a",), ("b",)])
        teep.Client().push_bulk({"class": "member", "args": [["c"]], "at": time.time() - 1})
    assert status(batch).total == 3
    here.start(concurrency=1)
    jobs.await_told("complete", "success", "finish")


# Fault 13: a callback dies, and nothing shows it (good_job#1528).
def test_13_the_status_names_the_callbacks_and_their_jobs_can_be_looked_for(here: Fleet, jobs: Jobs) -> None:
    @teep.job(name="bad", retry=0)
    def bad() -> None:
        raise ZeroDivisionError

    parent = jobs.batch("parent")
    with parent.jobs():
        child = teep.Batch().on("success", bad)
        with child.jobs():
            jobs.member.perform_async("a")
    (callback,) = status(child).callbacks["success"]
    assert (callback.klass, callback.fired_at) == ("bad", None)
    here.start(concurrency=1)
    jobs.await_told("death", "complete", "finish", word="parent")  # it is a job of the parent
    assert status(parent).dead_jids == [callback.jid]
    found = teep.find_job(callback.jid)
    assert found is not None
    assert found.where == "dead"
    assert status(child).callbacks["success"][0].fired_at is not None


# Faults 14 and 15: a parent waits for ever when a child fails or is removed (bullmq#800, #1752, #3362).
@pytest.mark.parametrize("way", ["dies", "is deleted", "is forgotten"])
def test_14_and_15_a_parent_hears_of_a_child_that_fails(here: Fleet, jobs: Jobs, way: str) -> None:
    parent = jobs.batch("parent")
    with parent.jobs():
        jobs.member.perform_async("p")
        child = teep.Batch()
        with child.jobs():
            jobs.member.set(retry=0, queue="child").perform_async("c")
    here.start(concurrency=1, queues=["default"])
    wait_until(lambda: status(parent).pending == 0, SOON, "the job of the parent")
    assert status(parent).finished_at is None
    queue = teep.Queue("child")
    ways: dict[str, Callable[[], object]] = {
        "dies": queue.where().kill_all,
        "is deleted": queue.clear,
        "is forgotten": status(child).delete,
    }
    ways[way]()
    jobs.await_told("complete", "finish", word="parent")
    assert status(parent).state == "finished"
    life = here.server.command("TTL", f"{{teep:batch:{parent.bid}}}")
    assert (life > 170 * 86_400) == (way == "dies")  # it may succeed yet
    if way == "dies":
        for entry in teep.DeadSet():
            entry.add_to_queue()
        here.start(concurrency=1, queues=["child"])
        jobs.await_told("complete", "finish", "success", word="parent")


# Fault 16: a task that polls for ever, nested forms that never fire, a generator that is consumed first (Celery).
def test_16_batches_three_deep_end_without_anything_that_polls(here: Fleet, jobs: Jobs) -> None:
    words = ("1", "2", "3")
    outer = [jobs.batch(word) for word in words]
    with outer[0].jobs(), outer[1].jobs(), outer[2].jobs():
        jobs.member.perform_bulk(iter([("a",)]))
    assert teep.ScheduledSet().size() == 0
    here.start(concurrency=1)
    for word in words:
        jobs.await_told("complete", "success", "finish", word=word)
    assert [word for event, word in jobs.told if event == "success"] == ["3", "2", "1"]


# Fault 17: what comes after a sub-workflow runs before this ends, if it is nested twice (Oban Pro 1.7.7).
def test_17_a_child_that_a_job_opens_holds_its_parent_back(here: Fleet, jobs: Jobs) -> None:
    go = threading.Event()

    def open_child(word: str) -> None:
        job = teep.current_job()
        assert job is not None
        if word == "last":
            assert go.wait(SOON)
        elif job.batch is not None:
            with job.batch.jobs(), jobs.batch(f"child of {word}").jobs():
                jobs.member.perform_async("middle" if word == "first" else "last")

    jobs.then = open_child
    with jobs.batch("outer").jobs():
        jobs.member.perform_async("first")
    here.start(concurrency=1)
    wait_until(lambda: "last" in jobs.ran, SOON, lambda: f"all three: {jobs.ran}")
    assert jobs.told == []
    go.set()
    jobs.await_told("complete", "success", "finish", word="outer")
    assert [word for event, word in jobs.told if event == "finish"] == ["child of middle", "child of first", "outer"]


# Fault 18: jids, failures and an index that are kept for months (sidekiq#3083, #7033).
def test_18_nothing_is_left_after_the_linger(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = {"b"}
    parent = jobs.batch("parent", linger=0.05)
    with parent.jobs():
        jobs.member.perform_async("a")
        with jobs.batch("child", linger=0.05).jobs():
            jobs.member.perform_bulk([("a",), ("b",)])
    here.start(concurrency=1)
    wait_until(lambda: teep.RetrySet().size() == 1, SOON, "the failure")
    assert all(here.server.command("PTTL", key) != -1 for key in here.server.command("KEYS", "{teep:batch:*"))
    jobs.fails = set()
    teep.RetrySet().retry_all()
    jobs.await_told("complete", "success", "finish", word="parent")
    wait_until(lambda: here.server.command("KEYS", "{teep:batch:*") == [], SOON, "all to be forgotten")
    assert list(teep.BatchSet()) == []
    assert here.server.command("KEYS", "*batch*") == []


# Fault 19: a job that is sent back from the retry set has lost its batch (sidekiq#5068).
def test_19_a_job_keeps_its_batch_wherever_it_goes(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = {"a"}
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.perform_in(60, "a")
    next(iter(teep.ScheduledSet())).add_to_queue()
    here.start(concurrency=1)
    jobs.await_told("complete")
    (retry,) = teep.RetrySet()
    assert retry.bid == batch.bid
    retry.kill()
    jobs.await_told("complete", "death", "finish")
    jobs.fails = set()
    (dead,) = teep.DeadSet()
    dead.add_to_queue()
    jobs.await_told("complete", "death", "finish", "success")


def test_a_bid_of_another_program_is_left_alone(here: Fleet, jobs: Jobs) -> None:
    jobs.fails = {"a"}
    for bid in ("LBnbJr0O3hK2Ug", "0" * 24, 5, None, ["x"]):
        here.push(jobs.member, "a", bid=bid)
        here.push(jobs.member, "b", bid=bid)
    here.start(concurrency=1)
    here.wait_until_processed(10)
    assert teep.RetrySet().size() == 5
    assert {entry.bid for entry in teep.RetrySet() if isinstance(entry.bid, str)} == {"LBnbJr0O3hK2Ug", "0" * 24}
    teep.RetrySet().kill_all()
    teep.DeadSet().clear()
    assert here.server.command("KEYS", "*batch*") == []


def test_the_jobs_of_an_invalid_batch_are_skipped_and_its_callbacks_are_not(
    here: Fleet, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature, "_known", {})
    parent = jobs.batch("parent")
    with parent.jobs():
        child = jobs.batch("child")
        with child.jobs():
            jobs.member.perform_bulk([("a",)] * 3)
    status(child).invalidate_all()
    status(parent).invalidate_all()
    here.start(concurrency=1)
    jobs.await_told("complete", "finish", word="child")
    jobs.await_told("complete", "finish", word="parent")
    assert jobs.ran == []
    assert (status(child).discarded, status(child).state, status(child).invalid) == (3, "finished", True)
    assert here.counters() == (3 + 4, 0)


def test_a_job_that_is_cancelled_while_it_runs_has_not_succeeded(here: Fleet, jobs: Jobs) -> None:
    def wait(_: str) -> None:
        wait_until(lambda: False, SOON, "to be cancelled")

    jobs.then = wait
    batch = jobs.batch()
    with batch.jobs():
        jid = jid_of(jobs.member.perform_async("a"))
    here.start(concurrency=1)
    wait_until(lambda: jobs.ran, SOON, "the start")
    assert teep.Client().cancel(jid) == "working"
    jobs.await_told("complete", "finish")
    assert (status(batch).discarded, here.counters()[1]) == (1, 0)


def test_a_job_that_is_too_late_has_not_succeeded(here: Fleet, jobs: Jobs) -> None:
    batch = jobs.batch()
    with batch.jobs():
        jobs.member.set(expires_in=0.001).perform_async("a")
    late = time.time() + 0.001
    wait_until(lambda: time.time() > late, SOON, "it to be too late")
    here.start(concurrency=1)
    jobs.await_told("complete", "finish")
    assert jobs.ran == []
    assert status(batch).discarded == 1


@pytest.mark.parametrize("in_steps", [False, True], ids=["by jid", "by index"])
def test_one_batch_s_successes_cost_few_commands(server: Server, in_steps: bool) -> None:
    world = World(server)
    bid = world.open(jobs=200, in_steps=in_steps)
    raws = [raw for _ in range(200) if (raw := world.take("one")) is not None]
    driver = driver_for(world.config)
    from teep.store import features
    from tests.features.batch.world import _Success

    done = [_Success(raw, features.along_of(payload.parse(raw), "done")) for raw in raws[:199]]
    server.command("CONFIG", "RESETSTAT")
    driver.execute(inflight.exchange("one", {}, [], 0, dt.date(2026, 11, 29), done))
    calls = server.client.info("commandstats")
    assert calls["cmdstat_bitfield" if in_steps else "cmdstat_srem"]["calls"] == (2 if in_steps else 3)
    assert sum(stat["calls"] for name, stat in calls.items() if name != "cmdstat_lrem") < 20
    (record,) = world.run(batches.read(bid))
    assert record.sizes.pending == 1


def test_a_batch_that_has_finished_takes_no_more_jobs_in_one_step(server: Server) -> None:
    world = World(server)
    bid = world.open(jobs=0)
    world.check()
    with pytest.raises(BatchClosed):
        world.open(parent=bid, jobs=1)
    assert len(world.entries("queue")) == 3
