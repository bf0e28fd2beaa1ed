"""Signatures: a job with its arguments as a value, and pushing one."""

import asyncio
import copy
import json
import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.config import async_driver_for
from teep.errors import InvalidArguments, InvalidJob, InvalidType
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

# What waits is due after this time (epoch seconds).
MOMENT = 2e9


def _function() -> Any:
    @teep.job(name="shop.welcome", queue="mailers", tags=["new"])
    def welcome(user_id: Any, *more: Any, locale: str = "en") -> None: ...

    return welcome


def _class() -> Any:
    class Welcome(teep.Job, name="shop.welcome", queue="mailers", tags=["new"]):
        def perform(self, user_id: Any, *more: Any, locale: str = "en") -> None: ...

    return Welcome


def _iterable() -> Any:
    class Welcome(teep.IterableJob, name="shop.welcome", queue="mailers", tags=["new"]):
        def build_enumerator(self, *_: Any, cursor: Any, **__: Any) -> None: ...

        def each_iteration(self, item: Any, user_id: Any, *more: Any, locale: str = "en") -> None: ...

    return Welcome


@pytest.fixture(params=[_function, _class, _iterable, lambda: _function().aio, lambda: _class().aio])
def welcome(request: pytest.FixtureRequest) -> Any:
    """A job of each form, and what is awaited of it."""
    return request.param()


def lying(server: Server, queue: str = "mailers") -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in server.command("LRANGE", f"queue:{queue}", 0, -1)]


@pytest.fixture(params=["push", "apush", "client", "async client"])
def push(request: pytest.FixtureRequest, config: teep.Config) -> Callable[[Any], Any]:
    """Pushes a signature, in each way there is."""

    async def awaited(signature: Any) -> Any:
        pushed = teep.apush if request.param == "apush" else teep.AsyncClient(config).push
        try:
            return await pushed(signature)
        finally:
            await async_driver_for(config).close()

    blocking = {"push": teep.push, "client": teep.Client(config).push}
    return blocking.get(request.param) or (lambda signature: asyncio.run(awaited(signature)))


def test_pushing_one_is_pushing_the_call(push: Callable[[Any], Any], server: Server) -> None:
    welcome = _function()
    signature = welcome.s(42, locale="de")
    jids = [push(signature), push(signature), welcome.perform_async(42, locale="de")]
    items = lying(server)
    assert [item["jid"] for item in reversed(items)] == jids
    assert len(set(jids)) == 3
    for item in items:
        del item["jid"], item["created_at"], item["enqueued_at"]
    assert items[0] == items[1] == items[2]
    assert (items[0]["args"], items[0]["kwargs"], items[0]["tags"]) == ([42], {"locale": "de"}, ["new"])
    assert list(items[0]) == list(items[2])  # in the same order


def test_it_has_its_job_and_arguments(welcome: Any) -> None:
    signature = welcome.s(42, "x", locale="de")
    assert (signature.name, signature.args, signature.kwargs) == ("shop.welcome", [42, "x"], {"locale": "de"})
    assert welcome.s(user_id=1).args == [1]
    assert welcome.s(1).kwargs == {}
    assert isinstance(signature, teep.Signature)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda job: job.s(), "shop.welcome.* cannot be called like this: missing .*'user_id'"),
        (lambda job: job.s(1, lang="de"), "shop.welcome.* cannot be called like this: .*'lang'"),
        (lambda job: job.s({1, 2}), r"shop.welcome: args\[0\] is a set, which is not plain JSON; pass a list"),
        (lambda job: job.s(1, locale=object()), r"shop.welcome: kwargs\['locale'\] is a"),
    ],
)
def test_what_cannot_be_pushed_is_refused_at_once(welcome: Any, call: Callable[[Any], Any], sentence: str) -> None:
    with pytest.raises(InvalidArguments, match=sentence):
        call(welcome)


def test_it_does_not_change_with_what_it_was_made_of(config: teep.Config, server: Server) -> None:
    row, tags = {"a": 1}, ["own"]
    rows: list[Any] = [[1], row]
    signature = _function().s(rows).set(tags=tags)
    rows.append(2)
    row["a"] = 9
    tags.append("later")
    signature.args.append(3)
    signature.to_payload()["args"].append(3)
    teep.push(signature)
    (item,) = lying(server)
    assert (item["args"], item["tags"]) == ([[[1], {"a": 1}]], ["own"])
    for name in ("args", "queue"):
        with pytest.raises(AttributeError):
            setattr(signature, name, [])


def test_set_returns_another(config: teep.Config, server: Server) -> None:
    plain = _function().s(42)
    other = plain.set(queue="critical", retry=3).set(tags=None)
    for signature in (plain, other):
        teep.push(signature)
    (first,), (second,) = lying(server), lying(server, "critical")
    assert (first["retry"], first["tags"]) == (True, ["new"])
    assert (second["retry"], second["tags"], second["args"]) == (3, None, [42])
    assert list(second)[-5:] == ["args", "class", "jid", "created_at", "enqueued_at"]
    with pytest.raises(InvalidJob, match="has no option 'quue'; did you mean 'queue'"):
        plain.set(quue="x")
    with pytest.raises(InvalidJob, match="encrypts its last argument"):
        plain.set(encrypt=True)


def test_options_of_the_job_go_along(welcome: Any) -> None:
    assert welcome.set(queue="critical").s(1) == welcome.s(1).set(queue="critical")


def test_a_time_is_fixed_and_a_wait_counts_from_the_push(
    push: Callable[[Any], Any], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    welcome = _function()
    made = [
        welcome.s(1).set(wait=60),
        welcome.s(2).set(wait=timedelta(minutes=2)),
        welcome.set(wait=180).s(3),
        welcome.s(4).set(wait_until=datetime.fromtimestamp(MOMENT, UTC)),
        welcome.s(5).set(wait=MOMENT),  # an epoch time, as in perform_in
        welcome.s(6).set(wait_until=MOMENT).set(wait=240),
    ]
    now = time.time() + 1000
    monkeypatch.setattr("time.time", lambda: now)
    for signature in made:
        push(signature)
    found: Any = server.client.zrange("schedule", 0, -1, withscores=True)
    times = {json.loads(raw)["args"][0]: score for raw, score in found}
    assert {number: times[number] - now for number in (1, 2, 3, 6)} == pytest.approx({1: 60, 2: 120, 3: 180, 6: 240})
    assert times[4] == times[5] == MOMENT


def test_a_verb_that_waits_counts_from_each_push(config: teep.Config, server: Server) -> None:
    later = _function().set(wait=60)
    before = time.time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: before + 1000)
        later.perform_async(1)
        later.perform_bulk([[2]])
    found: Any = server.client.zrange("schedule", 0, -1, withscores=True)
    assert [score for _, score in found] == pytest.approx([before + 1060] * 2)


def test_equal_ones_push_the_same(welcome: Any) -> None:
    signature = welcome.s({"a": 1, "b": 2})
    assert signature == welcome.s({"b": 2, "a": 1})
    assert hash(signature) == hash(welcome.s({"b": 2, "a": 1}))
    others = [welcome.s(1), welcome.s(1.0), welcome.s("1"), welcome.s(1, locale="de"), welcome.s(1).set(queue="x")]
    others += [welcome.s(1).set(wait=5), welcome.s(1).set(wait=6), welcome.s(1).set(wait_until=5)]
    assert len({signature, *others, *others}) == len(others) + 1
    assert (signature == 5) is (signature == "s") is False


def test_its_repr_is_the_call_that_makes_it(welcome: Any) -> None:
    assert repr(welcome.s(42, "x", locale="de")) == "shop.welcome.s(42, 'x', locale='de')"
    assert repr(welcome.s(1).set(queue="high", wait=60)) == "shop.welcome.s(1).set(queue='high', wait=60.0)"
    assert repr(welcome.s(1).set(wait_until=5)) == "shop.welcome.s(1).set(wait_until=5.0)"
    assert len(repr(welcome.s("x" * 10_000))) < 300


def test_copies_are_itself_and_a_pickle_is_refused(welcome: Any) -> None:
    signature = welcome.s([1])
    assert copy.copy(signature) is copy.deepcopy(signature) is signature
    with pytest.raises(InvalidType, match=r"send its payload, .* or call shop.welcome.s\(…\) there"):
        pickle.dumps(signature)


@pytest.mark.parametrize("given", [{"class": "X", "args": []}, "shop.welcome", None, print])
def test_what_is_no_signature_is_refused(given: Any) -> None:
    with pytest.raises(InvalidType, match=r"takes a signature, such as welcome.s\(42\), not"):
        teep.push(given)
    with pytest.raises(InvalidType, match="takes a signature"):
        asyncio.run(teep.apush(given))


@pytest.mark.parametrize("job", [_function, _class])
def test_a_job_alone_is_told_how_to_be_one(job: Callable[[], Any]) -> None:
    with pytest.raises(InvalidType, match=r"without its arguments; push a signature of it, as job.s\(…\)"):
        teep.push(job())


def test_clients_take_one_where_they_take_a_job(config: teep.Config, server: Server) -> None:
    welcome, client = _function(), teep.Client(config)
    client.enqueue(welcome.s(1))
    client.enqueue_to("critical", welcome.s(2))
    client.enqueue_in(60, welcome.s(3).set(wait=6000))
    assert [item["args"] for item in lying(server) + lying(server, "critical")] == [[1], [2]]
    found: Any = server.client.zrange("schedule", 0, -1, withscores=True)
    assert found[0][1] < time.time() + 100
    for more in ((9,), {"locale": "de"}):
        with pytest.raises(InvalidArguments, match=r"shop.welcome.s\(1\) has its arguments already"):
            client.enqueue(welcome.s(1), **more) if isinstance(more, dict) else client.enqueue(welcome.s(1), *more)
    with pytest.raises(InvalidJob, match="a job is a mapping such as"):
        client.push(5)  # type: ignore[arg-type]


def test_middleware_and_locks_see_it_as_any_push(config: teep.Config) -> None:
    seen: list[Any] = []

    def note(item: Any, call_next: Any) -> Any:
        seen.append(item["args"])
        return call_next()

    config.client_middleware.add(note)
    signature = _function().s(7).set(unique_for=60)
    assert teep.push(signature)
    assert teep.push(signature) is None
    assert seen == [[7], [7]]


def test_the_modes_of_tests_take_it(offline: teep.Config) -> None:
    ran: list[Any] = []

    @teep.job(name="note")
    def note(*args: Any, own: int = 0) -> None:
        ran.append((args, own))

    with teep.testing.fake() as jobs:
        jid = teep.push(note.s(1, own=2))
        assert asyncio.run(teep.apush(note.s(2).set(wait=60)))
        assert [(job.jid, job.args, job.kwargs) for job in jobs[:1]] == [(jid, [1], {"own": 2})]
        teep.testing.assert_enqueued(note, args=[2], at=60)
        assert (teep.testing.drain(with_scheduled=True), ran) == (2, [((1,), 2), ((2,), 0)])
    with teep.testing.inline():
        teep.push(note.s(3))
    assert ran[2:] == [((3,), 0)]
