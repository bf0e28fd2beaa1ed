"""The verbs of a job, on threads and awaited, and what they leave in Redis."""

import asyncio
import copy
import inspect
import json
import pickle
import pydoc
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import teep
from teep.config import async_driver_for
from teep.config.sources import elsewhere
from teep.errors import InvalidArguments, InvalidJob
from tests.support.servers import Server


@pytest.fixture(params=["sync", "aio", "class", "class aio"])
def job(request: pytest.FixtureRequest, config: teep.Config) -> Any:
    """A job in each form, its verbs blocking or awaited by `done`."""

    @teep.job(name="the.job", queue="low")
    def function(*args: Any, own: int = 0) -> Any: ...

    class Class(teep.Job, name="the.class", queue="low"):
        def perform(self, *args: Any, own: int = 0) -> Any: ...

    target: Any = function if request.param in ("sync", "aio") else Class
    return target.aio if "aio" in request.param else target


@pytest.fixture
def done() -> Iterator[Callable[[Any], Any]]:
    """Waits for what an awaited verb returns; on the other side it is the value itself."""
    with asyncio.Runner() as runner:
        yield lambda value: runner.run(value) if inspect.iscoroutine(value) else value
        runner.run(async_driver_for(teep.default_config()).close())


def lying(server: Server, queue: str = "low") -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in server.command("LRANGE", f"queue:{queue}", 0, -1)]


def scheduled(server: Server) -> list[tuple[dict[str, Any], float]]:
    found: Any = server.client.zrange("schedule", 0, -1, withscores=True)
    return [(json.loads(raw), score) for raw, score in found]


def test_perform_async(job: Any, done: Any, server: Server) -> None:
    jid = done(job.perform_async(1, "é", own=5))
    (item,) = lying(server)
    assert (item["jid"], item["args"], item["kwargs"], item["queue"]) == (jid, [1, "é"], {"own": 5}, "low")


@pytest.mark.parametrize("interval", [60, 60.5, timedelta(minutes=1)])
def test_perform_in(job: Any, done: Any, server: Server, interval: Any) -> None:
    before = time.time()
    jid = done(job.perform_in(interval, 1))
    ((item, score),) = scheduled(server)
    assert item["jid"] == jid
    assert before + 60 <= score <= before + 90


@pytest.mark.parametrize("at", [2e9, datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)])
def test_perform_at(job: Any, done: Any, server: Server, at: Any) -> None:
    done(job.perform_at(at, 1))
    ((item, score),) = scheduled(server)
    assert (item["args"], score) == ([1], 2e9)


def test_a_naive_datetime_is_local_time(job: Any, done: Any, server: Server) -> None:
    at = datetime.fromtimestamp(2e9)  # noqa: DTZ006 - the naive one is what is tested
    done(job.perform_at(at))
    assert scheduled(server)[0][1] == 2e9


def test_perform_bulk(job: Any, done: Any, server: Server) -> None:
    jids = done(job.perform_bulk(([number, "x"] for number in range(1_500)), batch_size=400))
    items = list(reversed(lying(server)))
    assert [item["jid"] for item in items] == jids
    assert [item["args"] for item in items] == [[number, "x"] for number in range(1_500)]


def test_perform_bulk_at_times(job: Any, done: Any, server: Server) -> None:
    at = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
    done(job.perform_bulk([[1], [2]], at=[at, 2e9 + 1]))
    done(job.perform_bulk([(3,)], at=at))
    assert sorted((item["args"], score) for item, score in scheduled(server)) == [
        ([1], 2e9), ([2], 2e9 + 1), ([3], 2e9),
    ]  # fmt: skip


def test_perform_bulk_spread(job: Any, done: Any, server: Server) -> None:
    done(job.perform_bulk([[number] for number in range(100)], spread_interval=3_600))
    assert len(scheduled(server)) + len(lying(server)) == 100
    assert len(scheduled(server)) > 90


def test_set_changes_these_pushes_only(job: Any, done: Any, server: Server) -> None:
    done(job.set(queue="critical", retry=False, extra={"own_field": [1]}).perform_async(1))
    done(job.perform_async(2))
    (item,) = lying(server, "critical")
    assert (item["retry"], item["own_field"], item["args"]) == (False, [1], [1])
    assert [item["args"] for item in lying(server)] == [[2]]


def test_set_can_be_chained(job: Any, done: Any, server: Server) -> None:
    done(job.set(queue="a", retry=1).set(queue="b").set(wait=60).perform_async(1))
    ((item, _),) = scheduled(server)
    assert (item["queue"], item["retry"]) == ("b", 1)


@pytest.mark.parametrize(
    "when", [{"wait": 2e9}, {"wait_until": 2e9}, {"wait_until": datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)}]
)
def test_wait_and_wait_until(job: Any, done: Any, server: Server, when: dict[str, Any]) -> None:
    done(job.set(**when).perform_async(1))
    done(job.set(**when).perform_bulk([[2]]))
    assert sorted((item["args"], score) for item, score in scheduled(server)) == [([1], 2e9), ([2], 2e9)]


@pytest.mark.parametrize(
    ("rows", "but"),
    [
        ([1, 2, 3], "row 0 is of type int"), ([[], (), {3: 4}], "row 2 is of type dict"),
        (["ab"], "row 0 is of type str"), ("ab", "str is no list of such lists"), ({"a": 1}, "dict is no list of"),
        (5, "int is no list of such lists"),
    ],
)  # fmt: skip
def test_a_bulk_of_something_else_than_lists(offline: teep.Config, rows: Any, but: str) -> None:
    for perform_bulk in (Plain.perform_bulk, Plain.set(retry=False).perform_bulk):
        with pytest.raises(InvalidArguments, match=rf"of verbs.plain needs a list .*\[\[1\], \[2\]\], and {but}"):
            perform_bulk(rows)
    with pytest.raises(InvalidArguments, match=r"of verbs.plain needs a list .*"):
        asyncio.run(Plain.aio.perform_bulk(rows))


@pytest.mark.parametrize("years", [50, 500])
def test_a_timedelta_is_an_interval_however_long(job: Any, done: Any, server: Server, years: int) -> None:
    interval = timedelta(days=365 * years)
    before = time.time()
    done(job.perform_in(interval, 1))
    done(job.set(wait=interval).perform_async(2))
    assert [round(score - before - interval.total_seconds(), -2) for _, score in scheduled(server)] == [0, 0]


@pytest.mark.parametrize("past", [915148800, 0, -5.5, 60, datetime(1999, 1, 1, tzinfo=UTC), datetime(1999, 1, 1)])  # noqa: DTZ001
def test_a_time_that_has_passed_means_now(job: Any, done: Any, server: Server, past: Any) -> None:
    done(job.perform_at(past, 1))
    done(job.set(wait_until=past).perform_async(2))
    done(job.perform_bulk([[3], [4]], at=[past, past]))
    done(job.perform_bulk([[5]], at=past))
    done(job.perform_in(-1, 6))
    assert [item["args"] for item in reversed(lying(server))] == [[number] for number in range(1, 7)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (1764300000000, "1764300000000 is no time before the year 10000; give epoch seconds, not milliseconds"),
        (10**400, "such a number is no time before the year 10000"),
        (float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "inf"),
        (True, "seconds.*, not True"), ("5", "seconds.*, not '5'"), (Decimal(5), r"seconds.*, not Decimal\('5'\)"),
        (date(2033, 1, 1), "seconds.*, not datetime.date"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_every_verb(offline: teep.Config, given: Any, sentence: str) -> None:
    job: Any = Plain
    pushes: list[Callable[[], Any]] = [
        lambda: job.perform_at(given),
        lambda: job.perform_in(given),
        lambda: job.set(wait=given).perform_async(),
        lambda: job.set(wait_until=given).perform_async(),
        lambda: job.perform_bulk([[]], at=given),
        lambda: job.perform_bulk([[]], at=[given]),
        lambda: teep.Client().enqueue_in(given, job),
    ]
    for push in pushes:
        with pytest.raises(InvalidJob, match=sentence):
            push()


def test_an_interval_is_no_time() -> None:
    job: Any = Plain
    with pytest.raises(InvalidJob, match="an interval is for perform_in"):
        job.set(wait_until=timedelta(1))
    with pytest.raises(InvalidJob, match="is no time before the year 10000"):
        job.set(wait=timedelta.max)
    with pytest.raises(InvalidJob, match="is no time on this machine"):
        job.set(wait_until=datetime.min)  # noqa: DTZ901 - a naive one is what is tested


def test_wait_as_a_duration(job: Any, done: Any, server: Server) -> None:
    before = time.time()
    done(job.set(wait=timedelta(hours=1)).perform_async(1))
    assert before + 3_600 <= scheduled(server)[0][1] <= before + 3_630


def test_waiting_twice_is_refused(job: Any) -> None:
    with pytest.raises(InvalidJob, match=r"give wait \(from now\) or wait_until \(a time\), not both"):
        job.set(wait=1, wait_until=2)


def test_bad_arguments_push_nothing(job: Any, done: Any, server: Server) -> None:
    pushes: list[Callable[[], Any]] = [
        lambda: job.perform_async({1}),
        lambda: job.perform_in(60, {1}),
        lambda: job.perform_bulk([[{1}]]),
    ]
    for push in pushes:
        with pytest.raises(InvalidArguments, match=r"args.*\[0\] is a set, which is not plain JSON; pass a list"):
            done(push())
    with pytest.raises(InvalidArguments, match=r"kwargs\['own'\] is a set"):
        done(job.perform_async(own={1}))
    assert server.command("KEYS", "*") == []


def test_each_event_loop_has_its_own_connections(config: teep.Config, server: Server) -> None:
    @teep.job(name="the.job")
    def function(number: int) -> None: ...

    # Nothing is closed in between, as in a program that calls asyncio.run() now and then.
    jids = [asyncio.run(function.aio.perform_async(number)) for number in range(3)]
    items = lying(server, "default")
    assert [item["args"] for item in items] == [[2], [1], [0]]
    assert [item["jid"] for item in reversed(items)] == jids


def test_many_pushes_of_one_loop_at_once(config: teep.Config, server: Server) -> None:
    @teep.job(name="the.job")
    def function(number: int) -> None: ...

    async def push() -> list[str | None]:
        jids = await asyncio.gather(*(function.aio.perform_async(number) for number in range(200)))
        await async_driver_for(config).close()
        return jids

    jids = asyncio.run(push())
    assert {item["jid"] for item in lying(server, "default")} == set(jids)
    assert len(jids) == 200


def test_configure_again_moves_later_pushes(config: teep.Config, server: Server) -> None:
    @teep.job(name="the.job")
    def function() -> None: ...

    function.perform_async()
    teep.configure(redis_url=server.url.replace("/0", "/1"))
    function.perform_async()
    assert len(lying(server, "default")) == 1
    assert teep.Queue().size() == 1


def test_the_client_takes_a_job_of_either_form(job: Any, config: teep.Config) -> None:
    client = teep.Client(config)
    jids = [client.enqueue(job, 1, own=2), client.enqueue_to("other", job), client.enqueue_in(60, job)]
    assert [teep.find_job(jid) is not None for jid in jids if jid] == [True] * 3
    assert teep.Queue("low").size() == teep.Queue("other").size() == teep.ScheduledSet().size() == 1


class Plain(teep.Job, name="verbs.plain"):
    def perform(self) -> None: ...


def test_other_systems_verbs_name_the_own_one() -> None:
    function = teep.job(name="function")(Plain().perform)
    for job in (function, function.aio, function.set(queue="low"), Plain, Plain(), Plain.aio):
        for verb, ours in elsewhere.VERBS.items():
            assert not hasattr(job, verb)
            with pytest.raises(AttributeError, match=re.escape(f"has no attribute {verb!r}; use {ours}")):
                getattr(job, verb)


def test_other_attributes_are_as_ever(job: Any) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'$"):
        _ = job.nothing

    class Sender:
        def send(self) -> str:
            return "sent"

    class Own(teep.Job, Sender, name="own"):
        def perform(self) -> str:
            return self.send()

    assert Own().perform() == "sent"
    pydoc.render_doc(Own)
    pydoc.render_doc(job)


@teep.job(name="tests.pickled")
def pickled(number: int) -> None: ...


def test_a_job_is_pickled_by_its_name_as_functions_are() -> None:
    assert pickle.loads(pickle.dumps(pickled)) is pickled
    assert pickle.loads(pickle.dumps(pickled.perform_async)) == pickled.perform_async
    assert copy.deepcopy([pickled])[0] is pickled
