"""Iterable jobs outside of a worker: their definition, their run in place, and the enumerators."""

import asyncio
import csv
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import teep
from teep import testing
from teep.errors import InvalidArguments, InvalidJob
from teep.job.definition import find

ran: list[Any] = []


@pytest.fixture(autouse=True)
def _offline(offline: teep.Config) -> None:
    """No Redis for any of these."""
    ran.clear()


def numbers() -> type[teep.IterableJob]:
    class Numbers(teep.IterableJob, name="numbers", queue="low"):
        def build_enumerator(self, count: int, *, cursor: int | None, step: int = 1) -> Iterator[tuple[int, int]]:
            return self.array_enumerator(range(0, count, step), cursor=cursor)

        def each_iteration(self, number: int, count: int, *, step: int = 1) -> None:
            if number == count - 1:
                self.abort()
            ran.append((number, self.cursor, self.arguments, self.jid is not None))

        def on_start(self) -> None:
            ran.append("start")

        def on_stop(self) -> None:
            ran.append("stop")

        def on_complete(self) -> None:
            ran.append("complete")

    return Numbers


def test_in_place_it_runs_whole_and_without_redis() -> None:
    job: Any = numbers()
    assert job.perform_inline(4, step=2) is None
    assert ran == ["start", (0, 0, (4,), True), (2, 1, (4,), True), "stop", "complete"]


def test_abort_ends_it_as_complete() -> None:
    job: Any = numbers()
    job.perform_inline(3)
    assert ran == ["start", (0, 0, (3,), True), (1, 1, (3,), True), "stop", "complete"]


@pytest.mark.parametrize("mode", ["inline", "drain"])
def test_the_testing_modes_run_it_whole(mode: str) -> None:
    job: Any = numbers()
    if mode == "inline":
        with testing.inline():
            job.perform_async(2, step=2)
    else:
        with testing.fake() as jobs:
            job.perform_async(2, step=2)
            testing.assert_enqueued(job, args=[2], kwargs={"step": 2}, queue="low")
            assert jobs.drain() == 1
    assert ran == ["start", (0, 0, (2,), True), "stop", "complete"]


def test_an_async_one_runs_on_the_loop_with_async_parts() -> None:
    class Job(teep.IterableJob, name="job"):
        async def build_enumerator(self, *, cursor: int | None) -> AsyncIterator[tuple[str, int]]:
            await asyncio.sleep(0)
            return self.async_enumerator(letters(), cursor=cursor)

        async def each_iteration(self, letter: str) -> None:
            await asyncio.sleep(0)
            ran.append(letter)

        @asynccontextmanager
        async def around_iteration(self) -> AsyncIterator[None]:
            ran.append("(")
            yield
            ran.append(")")

        async def on_complete(self) -> None:
            ran.append("complete")

    async def letters() -> AsyncIterator[str]:
        for letter in "ab":
            yield letter

    asyncio.run(Job.aio.perform_inline())
    assert ran == ["(", "a", ")", "(", "b", ")", "complete"]


def test_each_item_is_wrapped_and_a_generator_is_closed() -> None:
    class Job(teep.IterableJob, name="job"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            try:
                yield from self.array_enumerator([1, 2], cursor=cursor)
            finally:
                ran.append("closed")

        @contextmanager
        def around_iteration(self) -> Iterator[None]:
            try:
                yield
            finally:
                ran.append("after")

        def each_iteration(self, number: int) -> None:
            raise ValueError(number)

    with pytest.raises(ValueError, match="1") as raised:
        Job.perform_inline()
    assert ran == ["after", "closed"]
    assert raised.tb is not None  # whose frames still hold the generator


def test_none_is_nothing_to_do() -> None:
    class Job(teep.IterableJob, name="job"):
        def build_enumerator(self, *, cursor: int | None) -> None:
            return None

        def each_iteration(self, number: int) -> None:
            ran.append(number)

        def on_start(self) -> None:
            ran.append("start")

    Job.perform_inline()
    assert ran == []


@pytest.mark.parametrize("pairs", [[1], [(1, 2, 3)], ["abc"]])
def test_an_enumerator_gives_pairs(pairs: list[Any]) -> None:
    job = over(pairs)
    with pytest.raises(InvalidJob, match="pairs of an item and its cursor"):
        job.perform_inline()


def test_a_cursor_is_plain_json() -> None:
    with pytest.raises(InvalidArguments, match="the cursor is a tuple"):
        over([("item", (1, 2))]).perform_inline()


def over(pairs: Iterable[Any]) -> Any:
    class Job(teep.IterableJob, name="job"):
        def build_enumerator(self, *, cursor: Any) -> Iterable[Any]:
            return pairs

        def each_iteration(self, item: Any) -> None:
            ran.append(item)

    return Job


def test_an_async_def_that_its_decorator_hides_is_not_lost() -> None:
    async def waiting(_self: Any, number: int) -> None:
        await asyncio.sleep(0)

    def hidden(self: Any, number: int) -> Any:
        return waiting(self, number)

    class Job(teep.IterableJob, name="job"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1], cursor=cursor)

        each_iteration = hidden

    with pytest.raises(InvalidJob, match=r"Job waits for something, so its each_iteration must be async def"):
        Job.perform_inline()


def test_a_def_job_may_not_wait() -> None:
    class Job(teep.IterableJob, name="job"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1], cursor=cursor)

        def each_iteration(self, number: int) -> None:
            ran.append(number)

        def on_start(self) -> Any:
            return asyncio.sleep(0)

    with pytest.raises(InvalidJob, match=r"Job waits for something, so its each_iteration must be async def"):
        Job.perform_inline()


def test_arguments_are_those_of_each_iteration_after_the_item() -> None:
    job: Any = numbers()
    with testing.fake():
        with pytest.raises(InvalidArguments, match=r"numbers\(count: int, \*, step: int = 1\)"):
            job.perform_async(1, 2)
        job.perform_bulk([[1], [2]])
        job.set(queue="x").perform_in(60, 1)
        assert [(entry.args, entry.queue) for entry in testing.jobs] == [([1], "low"), ([2], "low"), ([1], "x")]
    assert not find("numbers").is_async


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(InvalidJob, match="must not have perform"):
        type("Bad", (teep.IterableJob,), {"perform": lambda self: None, "each_iteration": lambda self, item: None})
    with pytest.raises(InvalidJob, match="must have build_enumerator"):
        type("Bad", (teep.IterableJob,), {"each_iteration": lambda self, item: None})

    async def build(self: Any, *, cursor: Any) -> None: ...

    parts: dict[str, Any] = {"build_enumerator": lambda self, cursor: [], "each_iteration": lambda self, item: None}
    for name in ("build_enumerator", "on_stop"):
        with pytest.raises(InvalidJob, match=f"{name} of Bad is async def"):
            type("Bad", (teep.IterableJob,), parts | {name: build})
    with pytest.raises(InvalidJob, match='"max_iteration_runtime" must be seconds above 0'):
        type("Bad", (teep.IterableJob,), parts, max_iteration_runtime=-1)


def test_one_without_items_is_a_base_for_others() -> None:
    class Base(teep.IterableJob, queue="low"):
        def on_start(self) -> None:
            ran.append("base")

    with pytest.raises(InvalidJob, match="Base has no each_iteration method"):
        Base.perform_async()  # type: ignore[misc]

    class Job(Base, name="job"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1], cursor=cursor)

        def each_iteration(self, number: int) -> None:
            ran.append(number)

    Job.perform_inline()
    assert ran == ["base", 1]
    assert find("job").options.fields["queue"] == "low"


Job = teep.IterableJob


@pytest.mark.parametrize("cursor", [None, 0, 2, 3, 9])
def test_enumerators_begin_with_the_item_of_the_cursor(cursor: int | None) -> None:
    items = ["a", "b", "c"]
    expected = list(zip(items, range(3), strict=True))[cursor or 0 :]
    assert list(Job.array_enumerator(items, cursor=cursor)) == expected
    assert list(Job.iterable_enumerator((item for item in items), cursor=cursor)) == expected

    async def collected() -> list[tuple[str, int]]:
        async def letters() -> AsyncIterator[str]:
            for item in items:
                yield item

        return [pair async for pair in Job.async_enumerator(letters(), cursor=cursor)]

    assert asyncio.run(collected()) == expected


def test_batches() -> None:
    assert list(Job.array_batches_enumerator([1, 2, 3, 4, 5], cursor=None, batch_size=2)) == [
        ([1, 2], 0), ([3, 4], 1), ([5], 2)
    ]  # fmt: skip
    assert list(Job.array_batches_enumerator([1, 2, 3, 4, 5], cursor=1, batch_size=2)) == [([3, 4], 1), ([5], 2)]


def test_csv_files(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('name,age\n"Ann\nB.",1\nÉva,2\nZoë,3\n', encoding="utf-8")
    rows = [{"name": "Ann\nB.", "age": "1"}, {"name": "Éva", "age": "2"}, {"name": "Zoë", "age": "3"}]
    assert list(Job.csv_enumerator(path, cursor=None)) == list(zip(rows, range(3), strict=True))
    assert list(Job.csv_enumerator(str(path), cursor=1)) == [(rows[1], 1), (rows[2], 2)]
    assert list(Job.csv_batches_enumerator(path, cursor=None, batch_size=2)) == [(rows[:2], 0), (rows[2:], 1)]
    assert list(Job.csv_batches_enumerator(path, cursor=1, batch_size=2)) == [(rows[2:], 1)]
    reader = csv.reader(["a,b", "c,d"])
    assert list(Job.csv_enumerator(reader, cursor=1)) == [(["c", "d"], 1)]


@pytest.mark.parametrize("batch_size", [1, 2, 6, 100])
def test_records_by_key(batch_size: int) -> None:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table people (id integer primary key)")
        keys = [1, 2, 3, 5, 8, 13, 21]
        database.executemany("insert into people values (?)", [(key,) for key in keys])

        def page(start: int | None, limit: int) -> list[tuple[int]]:
            query = "select id from people where id >= ? order by id limit ?"
            return database.execute(query, (start or 0, limit)).fetchall()

        def walked(cursor: int | None) -> list[int]:
            pairs = Job.records_enumerator(page, cursor=cursor, key=lambda row: row[0], batch_size=batch_size)
            rows = list(pairs)
            assert all(row == (key,) for row, key in rows)
            return [key for _, key in rows]

        assert walked(None) == keys
        assert walked(5) == [5, 8, 13, 21]
        assert walked(6) == [8, 13, 21]  # its record was deleted since
        assert walked(21) == [21]
        assert walked(22) == []
    database.close()


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_records_whose_keys_are_not_unique_are_refused_instead_of_given_for_ever(batch_size: int) -> None:
    def page(start: int | None, limit: int) -> list[int]:
        return [key for key in (1, 2, 2, 2, 3) if key >= (start or 0)][:limit]

    for cursor in (None, 2):
        given = Job.records_enumerator(page, cursor=cursor, key=int, batch_size=batch_size)
        with pytest.raises(InvalidJob, match="two records have the key 2"):
            list(islice(given, 100))


def test_a_page_has_room_for_more_than_where_the_last_one_ended() -> None:
    with pytest.raises(InvalidJob, match="batch_size must be a whole number from 1, not 0"):
        list(Job.records_enumerator(lambda _start, _limit: [1, 2], cursor=None, key=int, batch_size=0))


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text("name,age\nÄnn,41\n", encoding=encoding)
        assert list(teep.IterableJob.csv_enumerator(path, cursor=None)) == [({"name": "Änn", "age": "41"}, 0)]


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "5"])
def test_a_batch_of_no_size_is_refused_instead_of_being_nothing(tmp_path: Path, size: Any) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    for items in (
        teep.IterableJob.csv_batches_enumerator(tmp_path / "a.csv", cursor=None, batch_size=size),
        teep.IterableJob.array_batches_enumerator([1], cursor=None, batch_size=size),
    ):
        with pytest.raises(InvalidJob, match="batch_size must be a whole number from 1, not"):
            next(items)
