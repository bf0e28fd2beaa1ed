"""Injected arguments: never pushed, made for a run, and closed with its outcome."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

import teep
from teep.errors import InvalidArguments, InvalidJob, NotHere
from teep.job.definition import find, forgetting

SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def seen() -> Iterator[list[Any]]:
    SEEN.clear()
    with forgetting():
        yield SEEN


class Session:
    """A session that notes what becomes of it."""

    def __init__(self, name: str = "session") -> None:
        self.name = name

    def query(self) -> str:
        return f"{self.name} asked"


def session() -> Iterator[Session]:
    SEEN.append("open")
    try:
        yield Session()
    except BaseException as error:
        SEEN.append(f"rollback {error!r}")
        raise
    SEEN.append("commit")


def swallowing() -> Iterator[str]:
    try:
        yield "swallowing"
    except ValueError:
        SEEN.append("swallowed")


async def asession() -> AsyncIterator[Session]:
    SEEN.append("open")
    try:
        yield Session("async session")
    except BaseException as error:
        SEEN.append(f"rollback {error!r}")
        raise
    SEEN.append("commit")


def run(job: Any, *args: Any) -> Any:
    return job.perform_inline(*args)


def test_it_is_never_pushed_and_given_at_the_run() -> None:
    @teep.job(name="ship")
    def ship(order: int, db: Annotated[Session, teep.Depends(session)] = teep.injected, *, note: str = "") -> str:
        return f"{order} {db.query()} {note}"

    with teep.testing.fake() as jobs:
        ship.perform_async(1, note="soon")
        ship.perform_bulk([[2], [3]])
        teep.push(ship.s(4))
        assert [job.args for job in jobs] == [[1], [2], [3], [4]]
        assert next(iter(jobs)).item["kwargs"] == {"note": "soon"}
        teep.testing.drain()
    assert SEEN == ["open", "commit"] * 4
    assert run(ship, 7) == "7 session asked "
    with pytest.raises(InvalidArguments, match="unexpected keyword argument 'db'"):
        ship.perform_async(1, db=Session())
    with pytest.raises(InvalidArguments, match="too many positional arguments"):
        ship.perform_async(1, Session())


def test_the_marks_a_signature_may_have() -> None:
    @teep.job(name="defaults")
    def defaults(order: int, db: Session = teep.Depends(session)) -> str:
        return f"{order} {db.query()}"

    @teep.job(name="bare")
    def bare(order: int, db: Annotated[Session, "other", teep.Depends(session)]) -> str:
        return f"{order} {db.query()}"

    @teep.job(name="named")
    def named(order: int, *, db: "Annotated[Session, teep.Depends(session)]" = teep.injected) -> str:
        return f"{order} {db.query()}"

    class Ship(teep.Job, name="class"):
        def perform(self, order: int, db: Annotated[Session, teep.Depends(session)] = teep.injected) -> str:
            return f"{order} {db.query()}"

    assert [run(job, 5) for job in (defaults, bare, named, Ship)] == ["5 session asked"] * 4


def test_each_kind_of_factory() -> None:
    class Clock:
        def __init__(self) -> None:
            self.at = 3

    class Maker:
        def __call__(self, clock: Annotated[Clock, teep.Depends(Clock)]) -> str:
            return f"made at {clock.at}"

    async def fetched(db: Annotated[Session, teep.Depends(asession)]) -> str:
        await asyncio.sleep(0)
        return f"fetched, {db.query()}"

    @teep.job(name="each")
    async def each(
        one: Annotated[Clock, teep.Depends(Clock)] = teep.injected,
        two: Annotated[str, teep.Depends(Maker())] = teep.injected,
        three: Annotated[str, teep.Depends(fetched)] = teep.injected,
        four: Annotated[Session, teep.Depends(session)] = teep.injected,
        five: Annotated[Session, teep.Depends(asession)] = teep.injected,
    ) -> list[str]:
        return [str(one.at), two, three, four.query(), five.query()]

    assert run(each) == ["3", "made at 3", "fetched, async session asked", "session asked", "async session asked"]
    assert SEEN == ["open", "open", "commit", "commit"]  # the async session is one, though two want it


def test_a_failure_reaches_every_factory_and_stays_the_jobs() -> None:
    @teep.job(name="fails")
    def fails(
        db: Annotated[Session, teep.Depends(session)] = teep.injected,
        other: Annotated[str, teep.Depends(swallowing)] = teep.injected,
    ) -> None:
        raise ValueError(f"no {db.name} {other}")

    @teep.job(name="afails")
    async def afails(
        db: Annotated[Session, teep.Depends(asession)] = teep.injected,
        other: Annotated[str, teep.Depends(swallowing)] = teep.injected,
    ) -> None:
        raise ValueError(f"no {db.name} {other}")

    for job, name in ((fails, "session"), (afails, "async session")):
        SEEN.clear()
        with pytest.raises(ValueError, match=f"no {name} swallowing"):
            run(job)
        assert ["open", "swallowed", f"rollback ValueError('no {name} swallowing')"] == SEEN


def failing_at_the_end() -> Iterator[int]:
    yield 1
    raise OSError("the commit failed")


def yielding_twice() -> Iterator[int]:
    yield 1
    yield 2


@pytest.mark.parametrize(
    ("last", "error"),
    [(failing_at_the_end, "the commit failed"), (yielding_twice, "generator didn't stop")],
)
def test_a_factory_that_fails_at_its_end_fails_the_job_and_the_factories_before_it(
    last: Callable[[], Any], error: str
) -> None:
    @teep.job(name="last")
    def job(
        db: Annotated[Session, teep.Depends(session)] = teep.injected,
        end: Annotated[int, teep.Depends(last)] = teep.injected,
    ) -> int:
        return end

    with pytest.raises((OSError, RuntimeError), match=error):
        run(job)
    assert SEEN[0] == "open"
    assert SEEN[1].startswith("rollback")


def test_a_factory_that_fails_at_its_begin_closes_those_before_it() -> None:
    def refused() -> str:
        raise ConnectionError("refused")

    @teep.job(name="begin")
    def job(
        db: Annotated[Session, teep.Depends(session)] = teep.injected,
        end: Annotated[str, teep.Depends(refused)] = teep.injected,
    ) -> None:
        SEEN.append("never")

    with pytest.raises(ConnectionError, match="refused"):
        run(job)
    assert SEEN == ["open", "rollback ConnectionError('refused')"]


def test_an_iterable_job_has_one_for_all_its_items() -> None:
    class Import(teep.IterableJob, name="import"):
        def build_enumerator(
            self, rows: int, cursor: int | None, db: Annotated[Session, teep.Depends(session)] = teep.injected
        ) -> Any:
            return self.array_enumerator([db.name] * rows, cursor=cursor)

        def each_iteration(
            self, item: str, rows: int, db: Annotated[Session, teep.Depends(session)] = teep.injected
        ) -> None:
            SEEN.append(f"{item} {db.query()}")

    run(Import, 2)
    assert SEEN == ["open", "session session asked", "session session asked", "commit"]
    with pytest.raises(InvalidJob, match="must have the same injected arguments, not db and none"):

        class Half(teep.IterableJob, name="half"):
            def build_enumerator(self, cursor: int | None) -> Any: ...
            def each_iteration(self, item: str, db: Any = teep.Depends(session)) -> None: ...


def test_tests_put_others_in_place() -> None:
    @teep.job(name="overridden")
    def job(db: Annotated[Session, teep.Depends(session)] = teep.injected) -> str:
        return db.query()

    def other() -> Iterator[Session]:
        yield Session("other")

    with teep.testing.override(session, Session("fake")):
        assert run(job) == "fake asked"
        with teep.testing.override(session, other):
            assert run(job) == "other asked"
        assert run(job) == "fake asked"
    assert run(job) == "session asked"
    with teep.testing.override(session, asession), pytest.raises(InvalidJob, match="make it async def"):
        run(job)


def wanting(table: str) -> str:
    return table


async def awaited() -> int:
    return 1


def round_and_round(again: "Annotated[int, teep.Depends(round_and_round)]" = 0) -> int:  # pyright: ignore[reportUndefinedVariable]
    return again


def no_factory(db: Session = teep.injected) -> None: ...
def no_name(db: Annotated[int, teep.Depends(session)], /) -> None: ...
def too_early(db: Annotated[int, teep.Depends(session)], order: int) -> None: ...
def among_many(db: Annotated[int, teep.Depends(session)] = teep.injected, *orders: int) -> None: ...
def needs_more(db: Annotated[str, teep.Depends(wanting)] = teep.injected) -> None: ...
def needs_a_loop(db: Annotated[int, teep.Depends(awaited)] = teep.injected) -> None: ...
def needs_itself(db: Annotated[int, teep.Depends(round_and_round)] = teep.injected) -> None: ...
def unknown(db: "Annotated[Unknown, teep.Depends(session)]" = teep.injected) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (no_factory, "nothing says from where; write"),
        (no_name, "must be one to call it by"),
        (too_early, "db of the.job is injected and stands before order, which is pushed: put it last"),
        (among_many, "stands before orders"),
        (needs_more, "wanting, a factory of the.job, needs table, which nobody gives it"),
        (needs_a_loop, "cannot wait for the async factory awaited: make it async def"),
        (needs_itself, "needs itself"),
        (
            unknown,
            "cannot be evaluated .*Unknown.*import what it names at run time",
        ),
    ],
)
def test_a_mistake_is_told_at_the_definition(function: Callable[..., None], says: str) -> None:
    with pytest.raises(InvalidJob, match=says):
        teep.job(name="the.job")(function)


def test_depends_takes_a_function() -> None:
    with pytest.raises(InvalidJob, match="not 3"):
        teep.Depends(3)  # type: ignore[arg-type]


def test_a_direct_call_is_told_that_nothing_is_injected() -> None:
    @teep.job(name="direct")
    def job(db: Annotated[Session, teep.Depends(session)] = teep.injected) -> str:
        return db.query()

    assert job(Session("mine")) == "mine asked"
    with pytest.raises(NotHere, match="a direct call of a job injects nothing"):
        job()


def test_jobs_without_it_are_called_as_they_are() -> None:
    def plain(order: int) -> None: ...

    teep.job(name="plain")(plain)
    assert find("plain")._function is plain
