"""Pushing one job: where it lands, and what the clients' verbs make of times."""

import string
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import teep
from teep.errors import InvalidJob
from tests.api.sides import Side


class _Enqueueable:
    """A job as the client sees it."""

    def to_payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"args": list(args), "class": "Noop", "queue": "own"} | ({"kwargs": kwargs} if kwargs else {})


def test_push_to_a_queue(side: Side) -> None:
    before = time.time()
    jid = side.run(side.Client().push({"class": "SomeRubyWorker", "args": [1, "é☃"], "queue": "x"}))
    (item,) = side.lying("x")
    assert before <= item.pop("created_at") <= item.pop("enqueued_at") <= time.time()
    assert item == {"retry": True, "queue": "x", "class": "SomeRubyWorker", "args": [1, "é☃"], "jid": jid}
    assert side.server.command("SMEMBERS", "queues") == {b"x"}


def test_utf8_is_not_escaped(side: Side) -> None:
    side.run(side.Client().push({"class": "Noop", "args": ["é☃</b>"]}))
    (raw,) = side.server.command("LRANGE", "queue:default", 0, -1)
    assert '"args":["é☃</b>"]'.encode() in raw


def test_push_for_later(side: Side) -> None:
    jid = side.run(side.Client().push({"class": "Noop", "args": [], "at": 2e9 + 0.25}))
    (entry,) = side.listed(side.ScheduledSet())
    assert (entry.jid, entry.score) == (jid, 2e9 + 0.25)
    assert list(entry.item) == ["retry", "queue", "class", "args", "jid", "created_at"]
    assert side.server.command("KEYS", "*") == [b"schedule"]


def test_one_that_was_enqueued_before_is_scheduled_without_a_trace_of_it(side: Side) -> None:
    side.run(side.Client().push({"class": "Noop", "args": [], "enqueued_at": 5.5, "at": 2e9}))
    (entry,) = side.listed(side.ScheduledSet())
    assert list(entry.item) == ["retry", "queue", "class", "args", "jid", "created_at"]


def test_a_time_that_has_passed_means_now(side: Side) -> None:
    side.run(side.Client().push({"class": "Noop", "args": [], "at": time.time() - 1}))
    (item,) = side.lying()
    assert "at" not in item
    assert side.scored("schedule") == {}


def test_jids_are_hex_unique_and_in_order(side: Side) -> None:
    client = side.Client()
    first = side.run(client.push({"class": "Noop", "args": []}))
    jids = [side.run(client.push({"class": "Noop", "args": []})) for _ in range(50)]
    assert len(set(jids)) == 50
    assert all(len(jid) == 24 and set(jid) <= set(string.hexdigits.lower()) for jid in jids)
    assert [jid[:12] for jid in jids] == sorted(jid[:12] for jid in jids)
    assert abs(int(first[:12], 16) / 1000 - time.time()) < 60


@pytest.mark.parametrize(
    ("verb", "leading", "queue", "delay"),
    [
        ("enqueue", (), "own", None),
        ("enqueue_to", ("low",), "low", None),
        ("enqueue_in", (60,), "own", 60),
        ("enqueue_in", (timedelta(minutes=2),), "own", 120),
        ("enqueue_in", (2e9,), "own", 2e9),
        ("enqueue_to_in", ("low", 60), "low", 60),
        ("enqueue_in", (0,), "own", None),
        ("enqueue_in", (-5,), "own", None),
    ],
)
def test_enqueue_and_its_kin(
    side: Side, verb: str, leading: tuple[Any, ...], queue: str, delay: float | None
) -> None:
    before = time.time()
    jid = side.run(getattr(side.Client(), verb)(*leading, _Enqueueable(), 1, name="x"))
    if delay is None:
        (item,) = side.lying(queue)
    else:
        (entry,) = side.listed(side.ScheduledSet())
        item, earliest = entry.item, delay if delay > 1e9 else before + delay
        assert earliest <= entry.score <= earliest + 30
    assert (item["jid"], item["args"], item["kwargs"], item["queue"]) == (jid, [1], {"name": "x"}, queue)


@pytest.mark.parametrize("interval", ["60", None, True])
def test_an_interval_must_be_one(side: Side, interval: Any) -> None:
    with pytest.raises(InvalidJob, match="an interval must be seconds or a timedelta"):
        side.run(side.Client().enqueue_in(interval, _Enqueueable()))
    assert side.server.command("KEYS", "*") == []


def test_defaults_of_the_configuration(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, job_defaults={"retry": 5, "tags": ["a"], "queue": "low"})
    side.run(side.Client().push({"class": "Noop", "args": []}))
    side.run(side.Client().push({"class": "Noop", "args": [], "retry": False, "queue": "x"}))
    (low,), (own,) = side.lying("low"), side.lying("x")
    assert (low["retry"], low["tags"], list(low)[:3]) == (5, ["a"], ["retry", "queue", "tags"])
    assert (own["retry"], own["tags"]) == (False, ["a"])


def test_a_middleware_changes_reroutes_and_stops(side: Side) -> None:
    def change(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        item["queue"] = "rerouted"
        item["tenant"] = 42
        return call_next()

    def stop(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        return None if item["args"] == ["stop"] else call_next()

    side.config.client_middleware.add(change)
    side.config.client_middleware.add(stop)
    client = side.Client()
    jid = side.run(client.push({"class": "Noop", "args": ["go"]}))
    assert side.run(client.push({"class": "Noop", "args": ["stop"]})) is None
    assert side.run(client.push({"class": "Noop", "args": ["stop"], "at": 2e9})) is None
    (item,) = side.lying("rerouted")
    assert (item["jid"], item["tenant"], item["args"]) == (jid, 42, ["go"])
    assert set(side.server.command("KEYS", "*")) == {b"queues", b"queue:rerouted"}


def test_a_middleware_may_schedule_and_replace(side: Side) -> None:
    side.config.client_middleware.add(lambda item, call_next: call_next() | {"at": 2e9})
    side.run(side.Client().push({"class": "Noop", "args": []}))
    assert list(side.scored("schedule").values()) == [2e9]


def test_what_a_middleware_adds_is_checked(side: Side) -> None:
    side.config.client_middleware.add(lambda item, call_next: call_next() | {"bad": {1}})
    with pytest.raises(teep.errors.InvalidArguments, match="bad is a set"):
        side.run(side.Client().push({"class": "Noop", "args": []}))


def test_the_outermost_middleware_is_the_first(side: Side) -> None:
    order: list[str] = []

    def named(name: str) -> Callable[[dict[str, Any], Callable[[], Any]], Any]:
        def middleware(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
            order.append(f"{name} in")
            outcome = call_next()
            order.append(f"{name} out")
            return outcome

        return middleware

    side.config.client_middleware.add(named("b"))
    side.config.client_middleware.prepend(named("a"))
    side.run(side.Client().push({"class": "Noop", "args": []}))
    assert order == ["a in", "b in", "b out", "a out"]


def test_an_error_in_a_middleware_reaches_the_caller(side: Side) -> None:
    side.config.client_middleware.add(lambda item, call_next: item["no such field"])
    with pytest.raises(KeyError):
        side.run(side.Client().push({"class": "Noop", "args": []}))
    assert side.server.command("KEYS", "*") == []
