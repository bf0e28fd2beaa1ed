"""Batches in tests that need no Redis: `fake()` collects jobs and callbacks, `inline()` runs both."""

import asyncio
from typing import Any

import pytest

import teep
from teep import testing
from teep.errors import BatchClosed


class Jobs:
    def __init__(self) -> None:
        self.ran: list[str] = []

        @teep.job(name="member")
        def member(word: str = "") -> None:
            self.ran.append(word)
            if word == "bad":
                raise ZeroDivisionError
            job = teep.current_job()
            assert job is not None
            assert job.batch is not None
            if word == "adds":
                with job.batch.jobs():
                    member.perform_async("added")

        @teep.job(name="told")
        def told(word: str) -> None:
            self.ran.append(word)

        self.member, self.told = member, told

    def batch(self, word: str = "") -> teep.Batch:
        batch = teep.Batch()
        for event in ("finish", "success", "complete", "death"):
            batch.on(event, self.told, f"{word}{event}")
        return batch


@pytest.fixture
def jobs(own_registry: None, offline: Any) -> Jobs:
    return Jobs()


ALL = ["complete", "success", "finish"]


def test_drain_runs_members_and_then_callbacks(jobs: Jobs) -> None:
    with testing.fake():
        with jobs.batch().jobs():
            jobs.member.perform_bulk([("a",), ("b",)])
            jobs.member.perform_in(60, "c")
            assert len(testing.jobs) == 0
        assert len(testing.jobs) == 3
        assert {job.bid for job in testing.jobs} == {testing.jobs[0].bid}
        assert testing.drain() == 2
        assert testing.drain(with_scheduled=True) == 4
    assert jobs.ran == ["a", "b", "c", *ALL]


def test_drain_with_a_parent_and_a_job_that_adds_others(jobs: Jobs) -> None:
    with testing.fake():
        with jobs.batch("parent ").jobs():
            jobs.member.perform_async("a")
            with jobs.batch().jobs():
                jobs.member.perform_async("adds")
        testing.drain()
    assert jobs.ran == ["a", "adds", "added", *ALL, *(f"parent {event}" for event in ALL)]


def test_a_job_that_raises_is_dead(jobs: Jobs) -> None:
    with testing.fake():
        batch = jobs.batch()
        with batch.jobs():
            jobs.member.perform_bulk([("bad",), ("a",)])
        with pytest.raises(ZeroDivisionError):
            testing.drain()
        testing.drain()
        with pytest.raises(BatchClosed), batch.jobs():
            jobs.member.perform_async("late")
    assert sorted(jobs.ran) == ["a", "bad", "complete", "death", "finish"]


def test_inline_runs_each_job_as_it_is_pushed_and_the_callbacks_at_the_end(jobs: Jobs) -> None:
    with testing.inline():
        with jobs.batch("parent ").jobs():
            jobs.member.perform_async("a")
            assert jobs.ran == ["a"]
            with jobs.batch().jobs():
                jobs.member.perform_async("adds")
            assert jobs.ran == ["a", "adds", "added", *ALL]
        assert jobs.ran[6:] == [f"parent {event}" for event in ALL]
        jobs.ran.clear()
        with jobs.batch().jobs():
            pass
    assert jobs.ran == ALL


def test_inline_on_asyncio(jobs: Jobs) -> None:
    async def main() -> None:
        async with jobs.batch().jobs():
            await jobs.member.aio.perform_async("a")
            await jobs.member.aio.perform_bulk([("b",), ("c",)])

    with testing.inline():
        asyncio.run(main())
    assert jobs.ran == ["a", "b", "c", *ALL]


def test_a_batch_of_elsewhere_is_not_known_in_a_test(jobs: Jobs) -> None:
    with testing.fake(), pytest.raises(BatchClosed, match="not made in this test"), teep.Batch("0" * 24).jobs():
        jobs.member.perform_async("a")
