"""Asking for jobs by class, arguments in part, queue and time."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
import time_machine

import teep
from teep import testing
from teep.wire.partial import matches
from tests.support.servers import Server

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (..., None), (..., [1]), (1, 1), ("a", "a"), (None, None), (ANY, [1]),
        ([], []), ([1, 2], [1, 2]), ((1, 2), [1, 2]), ([1, ...], [1]), ([1, ...], [1, 2, 3]), ([...], []),
        ([..., 2], [1, 2]), ([ANY], [1]),
        ({}, {"a": 1}), ({"a": 1}, {"a": 1, "b": 2}), ({"a": ...}, {"a": None}),
        ([{"a": [{"b": 2}, ...]}], [{"a": [{"b": 2, "c": 3}, 4], "d": 5}]),
        (pytest.approx(0.3), 0.1 + 0.2),
    ],
)  # fmt: skip
def test_what_matches(expected: Any, actual: Any) -> None:
    assert matches(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 2), ("1", 1), (None, 0), ([], [1]), ([1], []), ([1, 2], [1]), ([2, 1], [1, 2]),
        ([1, ...], []), ([2, ...], [1, 2]), ([..., 2], [2]), ([..., 2], [1, 3]), ([ANY], []),
        ({"a": 1}, {}), ({"a": 1}, {"a": 2}), ({"a": None}, {}), ({}, []), ([], {}), ([], "x"),
        ([{"a": [{"b": 2}]}], [{"a": [{"b": 2}, 4]}]),
    ],
)  # fmt: skip
def test_what_does_not(expected: Any, actual: Any) -> None:
    assert not matches(expected, actual)


@pytest.fixture(params=["fake", "real"])
def _where(request: pytest.FixtureRequest) -> Iterator[None]:
    """Jobs are collected, or lie in Redis."""
    if request.param == "real":
        request.getfixturevalue("teep_redis")
        yield
    else:
        request.getfixturevalue("offline")
        with testing.fake():
            yield


@pytest.fixture
def welcome() -> Any:
    @teep.job(name="welcome", queue="mailers")
    def welcome(user: dict[str, Any], *copies: str, locale: str = "en") -> None: ...

    return welcome


@pytest.mark.usefixtures("_where")
def test_each_criterion_counts(welcome: Any) -> None:
    class Class(teep.Job, name="class"):
        def perform(self) -> None: ...

    welcome.perform_async({"id": 1, "name": "Ada"}, "b", locale="de")
    Class.set(queue="high").perform_async()
    teep.Client().push({"class": "OfRuby", "args": []})

    first = testing.assert_enqueued(welcome, args=[{"id": 1}, ...], kwargs={"locale": "de"}, queue="mailers", at=None)
    assert first.args == [{"id": 1, "name": "Ada"}, "b"]
    assert testing.assert_enqueued(welcome.set(queue="x")).jid == first.jid  # a job whatever is set on it
    testing.assert_enqueued(Class, args=[], kwargs={}, queue="high")
    testing.assert_enqueued("OfRuby", queue="default")
    assert testing.assert_enqueued(queue="high").klass == "class"
    assert len(testing.all_enqueued()) == 3
    assert sorted(job.klass for job in testing.all_enqueued(args=[])) == ["OfRuby", "class"]

    testing.refute_enqueued("OfNobody")
    testing.refute_enqueued(welcome, args=[{"id": 2}, ...])
    testing.refute_enqueued(welcome, args=[{"id": 1}])
    testing.refute_enqueued(welcome, kwargs={"locale": "en"})
    testing.refute_enqueued(welcome, queue="default")
    testing.refute_enqueued(welcome, at=timedelta(0))


@pytest.mark.usefixtures("_where")
@pytest.mark.parametrize(
    ("at", "found"),
    [
        (NOON + timedelta(hours=1), True), (timedelta(hours=1), True), (3600, True), (NOON.timestamp() + 3600, True),
        (3601, True), (3602, False), (NOON, False), (None, False),
    ],
)  # fmt: skip
def test_the_time(welcome: Any, at: Any, found: bool) -> None:
    with time_machine.travel(NOON, tick=False):
        welcome.perform_in(3600, {})
        assert bool(testing.all_enqueued(welcome, at=at)) is found
        assert testing.all_enqueued(welcome)[0].at == NOON + timedelta(hours=1)
        assert bool(testing.all_enqueued(welcome, at=3602, within=5)) is True


@pytest.mark.usefixtures("_where")
def test_jobs_of_a_queue_come_in_the_order_of_their_pushes(welcome: Any) -> None:
    welcome.perform_bulk([[{"id": n}] for n in range(5)])
    assert [job.args[0]["id"] for job in testing.all_enqueued(welcome)] == [0, 1, 2, 3, 4]


def failure_of(assertion: Callable[[], Any]) -> str:
    with pytest.raises(AssertionError) as failure:
        assertion()
    return str(failure.value)


@pytest.mark.usefixtures("offline")
def test_a_failure_lists_what_was_enqueued(welcome: Any) -> None:
    with testing.fake(), time_machine.travel(NOON, tick=False):
        assert failure_of(lambda: testing.assert_enqueued(welcome)) == "not enqueued: welcome\nnothing is enqueued"
        welcome.perform_async({"id": 1}, locale="de")
        welcome.perform_in(60, {})
        assert failure_of(lambda: testing.assert_enqueued(welcome, args=[2], queue="low")) == (
            "not enqueued: welcome args=[2] queue='low'\n"
            "what is enqueued:\n"
            "1. welcome args=[{'id': 1}] kwargs={'locale': 'de'} queue='mailers'\n"
            "2. welcome args=[{}] queue='mailers' at 2026-11-24 12:01:00.000000+0000"
        )
        assert failure_of(lambda: testing.refute_enqueued(args=[{}, ...], kwargs={})).startswith("enqueued after all")
        welcome.perform_bulk([[{}]] * 30)
        assert failure_of(lambda: testing.assert_enqueued("other")).endswith("\nand 12 more")


@pytest.mark.usefixtures("offline")
def test_mistakes_are_told(welcome: Any) -> None:
    class Base(teep.Job): ...

    with testing.fake():
        with pytest.raises(TypeError, match=re.escape("arguments: there are args, kwargs, queue, at, within")):
            testing.assert_enqueued(welcome, arguments=[1])  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="Base has no perform method"):
            testing.assert_enqueued(Base)
    with testing.inline(), pytest.raises(RuntimeError, match="jobs run at once"):
        testing.refute_enqueued(welcome)


def test_it_reads_the_process_wide_configuration(server: Server, teep_redis: teep.Config) -> None:
    teep.Client(teep.Config(redis_url=server.url)).push({"class": "elsewhere", "args": []})
    testing.refute_enqueued("elsewhere")
