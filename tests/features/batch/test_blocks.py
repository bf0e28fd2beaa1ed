"""What is pushed inside `batch.jobs()`, by whatever verb, is a job of the batch, in the step that sends it."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.errors import BatchClosed, BlockingPush, InvalidArguments, InvalidType, InvalidValue, NotHere, NotMoved
from tests.api.trips import sent
from tests.worker.fleet import Fleet

pytestmark = pytest.mark.one_server


class Jobs:
    """The jobs of these tests."""

    def __init__(self) -> None:
        @teep.job(name="member")
        def member(number: int = 0) -> None: ...

        @teep.job(name="told")
        def told(*words: str) -> None: ...

        @teep.job(name="alone", unique_for=60)
        def alone(number: int = 0) -> None: ...

        self.member, self.told, self.alone = member, told, alone


@pytest.fixture
def jobs(own_registry: None) -> Jobs:
    return Jobs()


def status(batch: teep.Batch) -> teep.BatchStatus:
    return teep.BatchStatus(batch.bid)


def delete_members() -> None:
    """Not `clear`, which takes the callbacks along that are pushed meanwhile."""
    teep.Queue().where(klass="member").delete_all()


def payloads(queue: str = "default") -> list[dict[str, Any]]:
    return [job.item for job in teep.Queue(queue)][::-1]


def test_every_verb_inside_adds_a_job(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    with batch.jobs():
        jids = [jobs.member.perform_async(1), jobs.member.perform_in(60, 2), *jobs.member.perform_bulk([(3,), (4,)])]
        jids.append(jobs.member.set(queue="other").perform_async(5))
        jids.append(teep.Client().push({"class": "Ruby", "args": [6]}))
        jids += teep.Client().push_bulk({"class": "Ruby", "args": [[7]]})
        assert teep.Queue().size() == teep.ScheduledSet().size() == 0  # until the end
        jobs.member.perform_inline(8)  # which is none
    assert status(batch).total == status(batch).pending == len(jids) == 7
    assert {job["jid"] for job in payloads()} | {job["jid"] for job in payloads("other")} < set(jids)
    assert all(job["bid"] == batch.bid for job in payloads())
    assert [entry.bid for entry in teep.ScheduledSet()] == [batch.bid]
    assert here.server.command("SCARD", f"{{teep:batch:{batch.bid}}}:pending") == 7


def test_every_verb_inside_adds_a_job_on_asyncio(here: Fleet, jobs: Jobs) -> None:
    async def main() -> teep.Batch:
        batch = teep.Batch()
        async with batch.jobs():
            await jobs.member.aio.perform_async(1)
            await jobs.member.aio.perform_bulk([(2,), (3,)])
            await asyncio.gather(*(asyncio.create_task(jobs.member.aio.perform_async(n)) for n in range(4)))
            jobs.member.perform_async(5)
        return batch

    batch = asyncio.run(main())
    assert status(batch).total == 8
    assert teep.Queue().size() == 8


def test_outside_of_the_block_nothing_is_added(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    with batch.jobs():
        jobs.member.perform_async(1)
    jobs.member.perform_async(2)
    assert [job.get("bid") for job in payloads()] == [batch.bid, None]
    assert status(batch).total == 1


def test_an_error_in_the_block_pushes_nothing(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch().on("finish", jobs.told)
    with pytest.raises(ZeroDivisionError), batch.jobs():
        jobs.member.perform_async(1)
        raise ZeroDivisionError
    assert here.server.everything() == {}
    assert not status(batch).is_known


def test_a_unique_job_that_is_refused_is_none_of_the_batch(here: Fleet, jobs: Jobs) -> None:
    jobs.alone.perform_async(1)
    batch = teep.Batch()
    with batch.jobs():
        jobs.alone.perform_async(1)
        jobs.alone.perform_async(2)
    assert (status(batch).total, status(batch).pending) == (1, 1)
    assert teep.Queue().size() == 2


def test_an_empty_batch_is_over_at_once_and_an_empty_block_later_is_nothing(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    for event in ("finish", "success", "complete", "death"):
        batch.on(event, jobs.told, event)
    with batch.jobs():
        pass
    assert [job["args"] for job in payloads()] == [["complete"], ["success"], ["finish"]]
    assert status(batch).state == "success"
    with teep.Batch(batch.bid).jobs():
        pass
    assert teep.Queue().size() == 3


def test_jobs_are_added_from_anywhere_until_it_has_finished(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    with batch.jobs():
        jobs.member.perform_async(1)
    with teep.Batch(batch.bid).jobs():
        jobs.member.perform_async(2)
    assert status(batch).total == 2
    delete_members()
    assert status(batch).finished_at is not None
    with pytest.raises(BatchClosed, match=f"batch {batch.bid} has finished"), teep.Batch(batch.bid).jobs():
        jobs.member.perform_async(3)
    assert teep.Queue().size() == 0
    with pytest.raises(BatchClosed, match="is not known"), teep.Batch("0" * 24).jobs():
        jobs.member.perform_async(4)
    assert teep.Queue().size() == 0


def test_more_than_a_step_holds_is_sent_in_several_and_events_wait_for_the_last(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch().on("finish", jobs.told, "finish")
    with batch.jobs(flush_every=2):
        jobs.member.perform_bulk([(n,) for n in range(2)])
        jobs.member.perform_bulk([(n,) for n in range(2)])
        assert (status(batch).total, teep.Queue().size()) == (2, 2)
        assert here.server.command("ZCARD", f"{{teep:batch:{batch.bid}}}:openers") == 1
        delete_members()
        assert status(batch).finished_at is None
    assert (status(batch).total, status(batch).pending) == (4, 2)
    assert here.server.command("EXISTS", f"{{teep:batch:{batch.bid}}}:openers") == 0
    delete_members()
    assert [job["args"] for job in payloads()] == [["finish"]]


@pytest.mark.parametrize("count", [1_000, 2_500])
def test_a_thousand_jobs_are_one_step_and_more_are_several(here: Fleet, jobs: Jobs, count: int) -> None:
    batch = teep.Batch()
    with batch.jobs():
        jobs.member.perform_bulk((n,) for n in range(count))
        assert teep.Queue().size() == (count - 1) // 1_000 * 1_000
    assert (status(batch).total, status(batch).pending) == (count, count)


def test_an_error_in_a_block_that_has_sent_some_leaves_the_batch_invalid(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    with pytest.raises(ZeroDivisionError), batch.jobs(flush_every=1):
        for number in range(3):
            jobs.member.perform_async(number)
        raise ZeroDivisionError
    assert status(batch).invalid
    assert status(batch).total == teep.Queue().size() == 2
    assert not here.server.command("EXISTS", f"{{teep:batch:{batch.bid}}}:openers")


def test_an_error_of_the_last_step_leaves_the_batch_invalid(
    here: Fleet, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its events would happen an hour later, as if the jobs that were not sent had never been."""
    batch = teep.Batch()
    with pytest.raises(asyncio.CancelledError), batch.jobs(flush_every=1) as block:
        for number in range(3):
            jobs.member.perform_async(number)
        _fail_once(monkeypatch, block, "_send", asyncio.CancelledError())
    assert status(batch).invalid
    assert status(batch).total == teep.Queue().size() == 2
    assert not here.server.command("EXISTS", f"{{teep:batch:{batch.bid}}}:openers")


def _fail_once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: BaseException) -> None:
    """Raise in place of the next call of a plan."""
    former, left = getattr(owner, name), [error]

    async def fails(*args: Any) -> Any:
        if left:
            raise left.pop()
        return await former(*args)

    monkeypatch.setattr(owner, name, fails)


def _in_a_fork(act: Callable[[], object]) -> None:
    """Do something in a forked process, and await that it has gone well there."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            act()
            code = 0
        except SystemExit:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("flush_every", [None, 1])
def test_a_process_that_is_forked_inside_pushes_for_itself(here: Fleet, jobs: Jobs, flush_every: int | None) -> None:
    """It is no part of the block, as a thread is none: its pushes are not lost, and its end breaks nothing."""
    batch = teep.Batch()
    with batch.jobs(flush_every=flush_every) as block:
        jobs.member.perform_async(1)
        jobs.member.perform_async(2)
        _in_a_fork(lambda: jobs.member.perform_bulk([(3,), (4,)]))
        _in_a_fork(lambda: block.__exit__(None, None, None))
        _in_a_fork(lambda: block.__exit__(SystemExit, SystemExit(), None))
    assert sorted(job["args"][0] for job in payloads()) == [1, 2, 3, 4]
    assert sorted(job["args"][0] for job in payloads() if job.get("bid") == batch.bid) == [1, 2]
    assert (status(batch).total, status(batch).pending, status(batch).invalid) == (2, 2, False)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_adds_jobs_by_a_block_of_its_own(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()
    with batch.jobs():
        jobs.member.perform_async(1)

    def add() -> None:
        with batch.jobs():
            jobs.member.perform_async(2)

    _in_a_fork(add)
    assert status(batch).total == 2


def test_a_block_whose_process_has_died_counts_as_closed_after_its_lease(
    here: Fleet, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.client.batches.block.LEASE", 0)
    batch = teep.Batch().on("finish", jobs.told, "finish")
    block = batch.jobs(flush_every=1)
    block.__enter__()
    for number in range(2):
        jobs.member.perform_async(number)
    block._leave()  # as if it were gone
    delete_members()
    assert status(batch).abandoned
    assert [job["args"] for job in payloads()] == [["finish"]]


def test_a_task_that_outlives_the_block_adds_its_jobs_by_itself(here: Fleet, jobs: Jobs) -> None:
    async def main() -> teep.Batch:
        batch = teep.Batch()
        go = asyncio.Event()

        async def later() -> None:
            await go.wait()
            await jobs.member.aio.perform_async(2)

        async with batch.jobs():
            await jobs.member.aio.perform_async(1)
            task = asyncio.create_task(later())
        go.set()
        await task
        return batch

    assert status(asyncio.run(main())).total == 2


def test_the_batch_of_a_push_to_another_redis_is_none(here: Fleet, jobs: Jobs) -> None:
    other = teep.Client(teep.Config(redis_url=here.server.url.replace("/0", "/1")))
    with teep.Batch().jobs():
        assert other.push({"class": "member", "args": []})
    found = here.server.client.connection_pool
    assert found
    assert teep.Queue(config=other.config).first().bid is None  # type: ignore[union-attr]
    teep.Queue(config=other.config).clear()


def test_a_push_that_redis_refuses_in_part_says_so(here: Fleet, jobs: Jobs) -> None:
    here.server.command("SET", "queue:bad", "a string")
    batch = teep.Batch()
    with pytest.raises(NotMoved, match="WRONGTYPE"), batch.jobs():
        jobs.member.set(queue="bad").perform_async(1)
        jobs.member.perform_async(2)
    assert (status(batch).total, status(batch).pending, teep.Queue().size()) == (1, 1, 1)
    assert (status(batch).invalid, status(batch).discarded) == (True, 1)


def test_callbacks_are_checked_when_they_are_declared(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch(callback_queue="high")
    with pytest.raises(InvalidArguments, match="told"):
        batch.on("success", jobs.told, object())
    with pytest.raises(InvalidArguments, match="member"):
        batch.on("success", jobs.member, 1, 2, 3)
    with pytest.raises(InvalidValue, match="has the events complete, success, death, finish, not 'end'"):
        batch.on("end", jobs.told)  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="must be a job or its name"):
        batch.on("success", print)  # type: ignore[arg-type]
    batch.on("success", "RubyJob", 1).on("success", jobs.told, "a").on("success", jobs.alone.set(expires_in=5))
    with batch.jobs():
        pass
    found = payloads("high")
    assert [(job["class"], job["args"]) for job in found] == [("RubyJob", [1]), ("told", ["a"]), ("alone", [])]
    assert [job["jid"] for job in found] == [callback.jid for callback in status(batch).callbacks["success"]]
    assert not any(name in job for job in found for name in ("unique_lock", "expiry", "bid"))
    assert all(isinstance(job["enqueued_at"], float) for job in found)
    with pytest.raises(NotHere, match="declared before its first jobs"):
        batch.on("finish", jobs.told)


def test_a_callback_has_milliseconds_where_the_configuration_says_so(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch(config=here.configure(timestamps="milliseconds")).on("finish", "RubyJob")
    with batch.jobs():
        pass
    (job,) = payloads()
    assert type(job["enqueued_at"]) is int
    assert 0 <= job["enqueued_at"] - job["created_at"] < 60_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bid": "short"}, "a bid is 24 hex digits"),
        ({"bid": "A" * 24}, "a bid is 24 hex digits"),
        ({"bid": "0" * 24, "description": "x"}, "has its options since it was made"),
        ({"parent": "short"}, "a bid is 24 hex digits"),
        ({"tags": "eu"}, "tags of a batch must be a list of strings"),
        ({"description": 5}, "description of a batch must be a string"),
        ({"callback_queue": ""}, "callback_queue of a batch must be the name of a queue"),
        ({"linger": 0}, "linger of a batch must be more than 0 seconds"),
        ({"linger": "1"}, "linger of a batch must be seconds"),
    ],
)
def test_options_that_do_not_fit_are_refused(offline: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidType, InvalidValue), match=words):
        teep.Batch(**options)
    with pytest.raises(InvalidValue, match="flush_every must be from 1 to 1000"):
        teep.Batch().jobs(flush_every=0)


def test_a_block_is_entered_once(here: Fleet) -> None:
    block = teep.Batch().jobs()
    with block:
        pass
    with pytest.raises(NotHere, match="entered once"), block:
        pass


@pytest.mark.parametrize("flush_every", [None, 40])
def test_a_bulk_push_is_sent_in_steps_that_fit(here: Fleet, jobs: Jobs, flush_every: int | None) -> None:
    with sent() as commands, teep.Batch().jobs(flush_every=flush_every):
        jobs.member.perform_bulk([[1]] * 100)
    assert len(commands) == (1 if flush_every is None else 3)


def test_a_plain_block_on_an_event_loop_is_warned_of(here: Fleet, jobs: Jobs) -> None:
    batch = teep.Batch()

    async def plain() -> None:
        with batch.jobs():
            jobs.member.perform_async(1)

    async def awaited() -> None:
        async with batch.jobs():
            await jobs.member.aio.perform_async(2)

    with pytest.warns(BlockingPush, match=r"the end of a batch's block holds up .* use async with batch.jobs"):
        asyncio.run(plain())
    asyncio.run(awaited())
    assert teep.BatchStatus(batch.bid).total == 2
