"""Context variables travel in `cattr`: to the job, to the jobs it pushes, and through retries."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.errors import ConfigurationError, InvalidArguments
from teep.middleware import Propagation, attributes_of
from tests.worker.fleet import SOON, Fleet

tenant: ContextVar[Any] = ContextVar("tenant")
locale: ContextVar[str] = ContextVar("locale", default="en")


@pytest.fixture(autouse=True)
def _values() -> Any:
    tokens = (tenant.set("acme"), locale.set("de"))
    yield
    tenant.reset(tokens[0])
    locale.reset(tokens[1])


@pytest.fixture
def propagation() -> Propagation:
    return Propagation(tenant=tenant, locale=locale)


@pytest.fixture
def propagating(fleet: Fleet, propagation: Propagation) -> Fleet:
    fleet.config.use(propagation)
    return fleet


@pytest.fixture
def seen() -> SimpleQueue[Any]:
    return SimpleQueue()


@pytest.fixture(params=["def", "async def"])
def see(request: pytest.FixtureRequest, seen: SimpleQueue[Any]) -> Any:
    """A job of either kind that shows the values it runs with, and pushes others of its kind with others."""

    def plain(pushes: int = 0) -> None:
        seen.put((tenant.get("none"), locale.get()))
        if pushes:
            locale.set(f"{locale.get()}+")
            job.perform_async(pushes - 1)

    async def coroutine(pushes: int = 0) -> None:
        await asyncio.sleep(0)
        seen.put((tenant.get("none"), locale.get()))
        if pushes:
            locale.set(f"{locale.get()}+")
            await job.aio.perform_async(pushes - 1)

    job: Any = teep.job(name="see")(coroutine if request.param == "async def" else plain)
    return job


def test_a_job_runs_with_the_values_of_its_push(propagating: Fleet, see: Any, seen: SimpleQueue[Any]) -> None:
    see.perform_async()
    (raw,) = propagating.queue()
    assert b'"cattr":{"tenant":"acme","locale":"de"}' in raw
    tenant.set("other")
    propagating.start(propagating.config)
    assert seen.get(timeout=SOON) == ("acme", "de")


def test_and_so_do_the_jobs_that_it_pushes(propagating: Fleet, see: Any, seen: SimpleQueue[Any]) -> None:
    see.perform_async(2)
    propagating.start(propagating.config)
    runs = [seen.get(timeout=SOON) for _ in range(3)]
    assert runs == [("acme", "de"), ("acme", "de+"), ("acme", "de++")]


def test_the_next_job_of_a_thread_starts_without_them(propagating: Fleet, see: Any, seen: SimpleQueue[Any]) -> None:
    propagating.start(propagating.config.copy(concurrency=1))
    see.perform_async(1)
    assert [seen.get(timeout=SOON)[1] for _ in range(2)] == ["de", "de+"]
    propagating.push_raw(b'{"class":"see","args":[],"jid":"0"}')
    assert seen.get(timeout=SOON) == ("none", "en")


def test_a_retry_keeps_them(propagating: Fleet, seen: SimpleQueue[Any]) -> None:
    @teep.job(name="flaky")
    def flaky() -> None:
        seen.put(tenant.get("none"))
        if seen.qsize() == 1:
            raise ValueError("no luck")

    flaky.perform_async()
    propagating.start(propagating.config.copy(poll_interval_average=0.1))
    assert propagating.failed_payload()["cattr"] == {"tenant": "acme", "locale": "de"}
    for raw in propagating.members("retry"):
        propagating.server.command("ZADD", "retry", time.time() - 1, raw)
    propagating.wait_until_processed(2)
    assert [seen.get(timeout=SOON) for _ in range(2)] == ["acme", "acme"]


def test_who_sends_a_job_back_does_not_lend_it_a_context(propagating: Fleet, see: Any) -> None:
    tenant.set("acme")
    see.perform_in(3600)

    def push_without_any() -> None:
        teep.Client().push({"class": "see", "args": [], "at": time.time() + 7200})

    # A thread starts with no context at all.
    asyncio.run(asyncio.wait_for(_in_a_thread(push_without_any), SOON))
    tenant.set("operator")
    assert teep.ScheduledSet().retry_all() == 2
    stored = [attributes_of(job.item) for job in teep.Queue()]
    assert sorted(stored, key=len) == [{}, {"tenant": "acme", "locale": "de"}]


async def _in_a_thread(function: Any) -> None:
    await asyncio.get_running_loop().run_in_executor(None, function)


def test_inline_and_faked_jobs_have_them_too(
    offline: teep.Config, propagation: Propagation, see: Any, seen: SimpleQueue[Any]
) -> None:
    offline.use(propagation)
    with teep.testing.inline():
        see.perform_async() if not see.definition.is_async else asyncio.run(see.aio.perform_async())
    assert seen.get_nowait() == ("acme", "de")
    with teep.testing.fake():
        see.perform_async()
        token = tenant.set("the test's own")
        assert teep.testing.drain() == 1
        assert tenant.get() == "the test's own"
        tenant.reset(token)
    assert seen.get_nowait() == ("acme", "de")


def test_a_default_does_not_travel_and_none_does(offline: teep.Config) -> None:
    unset: ContextVar[str] = ContextVar("unset", default="x")
    tenant.set(None)
    offline.use(Propagation(unset=unset, tenant=tenant))
    with teep.testing.fake() as jobs:
        teep.Client().push({"class": "x", "args": []})
    assert jobs[0]["cattr"] == {"tenant": None}


def test_a_value_that_is_not_json_is_refused_by_its_name(offline: teep.Config, propagation: Propagation) -> None:
    offline.use(propagation)
    for value, problem in (
        (uuid.UUID(int=1), "the context variable tenant is a UUID"),
        ({"a": [1, {2}]}, r"the context variable tenant\['a'\]\[1\] is a set"),
    ):
        tenant.set(value)
        with teep.testing.fake() as jobs, pytest.raises(InvalidArguments, match=problem):
            teep.Client().push({"class": "x", "args": []})
        assert len(jobs) == 0


def test_what_cannot_work_is_refused(propagation: Propagation) -> None:
    with pytest.raises(ConfigurationError, match=r"tenant must be a contextvars\.ContextVar, not 'acme'"):
        Propagation(tenant=tenant.get())
    config = teep.Config()
    config.use(propagation)
    with pytest.raises(ConfigurationError, match="name all variables in one"):
        config.use(Propagation(other=locale))


SYMBOL = {"_aj_serialized": "ActiveJob::Serializers::SymbolSerializer"}
RECORD = {"_aj_globalid": "gid://app/User/1"}


@pytest.mark.parametrize(
    "cattr",
    [
        {"tenant": "from ruby", "user": RECORD, "locale": "fr"},
        [[{**SYMBOL, "value": "tenant"}, "from ruby"], ["user", RECORD], ["locale", {**SYMBOL, "value": "fr"}]],
    ],
    ids=["7", "8"],
)
def test_what_ruby_wrote_is_read_and_goes_on(
    propagating: Fleet, see: Any, seen: SimpleQueue[Any], cattr: Any
) -> None:
    payload = {"class": "see", "args": [1], "cattr": cattr, "cattr_1": {"other": 1}}
    teep.Client().push(payload)
    (item,) = [job.item for job in teep.Queue()]
    assert (item["cattr"], item["cattr_1"]) == (cattr, {"other": 1})
    assert attributes_of(item) == {"tenant": "from ruby", "user": RECORD, "locale": "fr"}
    carried: SimpleQueue[Any] = SimpleQueue()

    def look(job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        carried.put(job["cattr"])
        return call_next()

    propagating.config.server_middleware.add(look)
    propagating.start(propagating.config)
    assert [seen.get(timeout=SOON) for _ in range(2)] == [("from ruby", "fr"), ("from ruby", "fr+")]
    assert [carried.get(timeout=SOON) for _ in range(2)] == [
        cattr,
        {"user": RECORD, "tenant": "from ruby", "locale": "fr+"},
    ]


@pytest.mark.parametrize("odd", [7, "x", None, [1, [2]], [["a"]], [[["list"], 1]], True])
def test_an_odd_cattr_of_another_producer_harms_nobody(
    offline: teep.Config, propagation: Propagation, see: Any, seen: SimpleQueue[Any], odd: Any
) -> None:
    offline.use(propagation)
    with teep.testing.fake() as jobs:
        teep.Client().push({"class": "see", "args": [], "cattr": odd})
        assert (jobs[0]["cattr"], attributes_of(jobs[0].item)) == (odd, {})
        teep.testing.drain()
    assert seen.get_nowait() == ("acme", "de")


def test_activejobs_marks_are_no_part_of_a_value() -> None:
    stored = {
        "kind": {**SYMBOL, "value": "admin"},
        "flags": {"a": [{"b": 1, "_aj_symbol_keys": ["b"]}], "_aj_symbol_keys": []},
        "at": {"_aj_serialized": "ActiveJob::Serializers::TimeSerializer", "value": "2026-11-24T00:00:00Z"},
    }
    assert attributes_of({"cattr": stored}) == {
        "kind": "admin",
        "flags": {"a": [{"b": 1}]},
        "at": {"_aj_serialized": "ActiveJob::Serializers::TimeSerializer", "value": "2026-11-24T00:00:00Z"},
    }
