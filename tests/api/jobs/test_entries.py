"""What can be done with one job of a set: each verb is one step, and leaves exactly one job."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from teep.errors import MalformedPayload
from tests.api.sides import Side, jid, job, raw

FAILED = {"retry": True, "error_class": "E", "error_message": "m", "failed_at": 1.5e9, "retry_count": 2, "own": [1.5]}


def only(side: Side, name: str = "RetrySet") -> Any:
    """The one entry of a set."""
    (entry,) = side.listed(getattr(side, name)())
    return entry


def test_delete(side: Side) -> None:
    side.add("retry", {5.0: job(1), 6.0: job(2)})
    entry = side.run(side.RetrySet().find_job(jid(1)))
    assert side.run(entry.delete())
    assert not side.run(entry.delete())
    assert side.scored("retry") == {raw(job(2)): 6.0}


@pytest.mark.parametrize(
    ("at", "score"), [(2e9, 2e9), (60, 60.0), (datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC), 2e9)],
    ids=["seconds", "long ago", "datetime"],
)  # fmt: skip
def test_reschedule_changes_the_time_and_no_byte(side: Side, at: Any, score: float) -> None:
    odd = '{"class":"Noop" , "args":[1.0e+20,"\\u00e9"],"jid":"x","queue":"default"}'
    side.add("schedule", {5.0: odd})
    entry = only(side, "ScheduledSet")
    assert side.run(entry.reschedule(at))
    assert side.scored("schedule") == {odd.encode(): score}
    assert entry.score == score
    assert side.run(entry.reschedule(7.5))
    assert side.scored("schedule") == {odd.encode(): 7.5}


def test_a_job_that_is_gone_stays_gone(side: Side) -> None:
    side.add("retry", {5.0: job(1)})
    entry = only(side)
    side.run(side.RetrySet().clear())
    assert not side.run(entry.reschedule(9.0))
    for verb in ("delete", "add_to_queue", "retry", "kill"):
        assert not side.run(getattr(entry, verb)())
    assert side.server.command("KEYS", "*") == []


@pytest.mark.parametrize(("verb", "count"), [("add_to_queue", 2), ("retry", 1)])
def test_to_the_queue(side: Side, verb: str, count: int) -> None:
    before = time.time()
    side.push(job(0), queue="low")
    side.add("retry", {2e9: job(1, **FAILED) | {"queue": "low"}})
    assert side.run(getattr(only(side), verb)())
    newest, _ = side.lying("low")
    for name in ("enqueued_at", "created_at"):  # it had none
        at = newest.pop(name)
        assert isinstance(at, float)
        assert before <= at <= time.time()
    assert newest == job(1, **FAILED) | {"queue": "low", "retry_count": count}
    assert side.scored("retry") == {}
    assert side.server.command("SMEMBERS", "queues") == {b"low"}


def test_to_a_queue_that_nobody_has_named_yet(side: Side) -> None:
    side.add("schedule", {2e9: job(1) | {"queue": "new"}})
    assert side.run(only(side, "ScheduledSet").add_to_queue())
    assert [queue.name for queue in side.queues()] == ["new"]


def test_a_retry_of_a_first_failure_takes_it_back(side: Side) -> None:
    side.add("retry", {2e9: job(1, retry_count=0)})
    side.run(only(side).retry())
    assert side.lying()[0]["retry_count"] == -1


def test_milliseconds_where_they_are_configured(side: Side) -> None:
    side.config = type(side.config)(redis_url=side.server.url, timestamps="milliseconds")
    side.add("retry", {2e9: job(1)})
    side.run(only(side).retry())
    assert type(side.lying()[0]["enqueued_at"]) is int


def test_kill(side: Side) -> None:
    deaths: list[tuple[dict[str, Any], BaseException]] = []
    side.config.death_handlers.append(lambda item, reason: deaths.append((item, reason)))
    before = time.time()
    side.add("retry", {2e9: job(1, **FAILED)})
    assert side.run(only(side).kill())
    ((member, score),) = side.scored("dead").items()
    assert member == raw(job(1, **FAILED))
    assert before <= score <= time.time()
    ((item, reason),) = deaths
    assert (item, type(reason).__name__, str(reason)) == (job(1, **FAILED), "JobKilled", "Job killed by API")


def test_kill_trims_the_dead_set(side: Side) -> None:
    side.config = type(side.config)(redis_url=side.server.url, dead_max_jobs=3, dead_timeout=3600.0)
    now = time.time()
    side.add("retry", {2e9: job(1)})
    side.add("dead", {now - 4000: job(6)})
    side.run(only(side).kill())
    assert [msgspec.json.decode(member)["args"] for member in side.scored("dead")] == [[1]]
    side.add("retry", {2e9: job(2)})
    side.add("dead", {now - 50: job(8), now - 40: job(9)})
    side.run(only(side).kill())
    assert [msgspec.json.decode(member)["args"] for member in side.scored("dead")] == [[1], [2]]


def test_what_is_no_job_is_refused_by_queues_and_taken_by_the_dead(side: Side) -> None:
    side.add("retry", {5.0: "no job"})
    entry = only(side)
    for verb in (entry.retry, entry.add_to_queue):
        with pytest.raises(MalformedPayload, match=r"no queue can take this entry .* delete or kill it"):
            side.run(verb())
    assert side.scored("retry") == {b"no job": 5.0}
    assert side.run(entry.kill())
    assert list(side.scored("dead")) == [b"no job"]


def _reroute(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    item["queue"] = "rerouted"
    return call_next()


def _stop(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    return None


@pytest.mark.parametrize("verb", ["add_to_queue", "retry"])
def test_a_client_middleware_sees_it(side: Side, verb: str) -> None:
    side.config.client_middleware.add(_reroute)
    side.add("retry", {2e9: job(1)})
    assert side.run(getattr(only(side), verb)())
    assert [item["queue"] for item in side.lying("rerouted")] == ["rerouted"]
    assert side.scored("retry") == {}


@pytest.mark.parametrize("verb", ["add_to_queue", "retry"])
def test_a_client_middleware_may_drop_it(side: Side, verb: str) -> None:
    side.config.client_middleware.add(_stop)
    side.add("retry", {2e9: job(1)})
    assert side.run(getattr(only(side), verb)())
    assert side.server.command("KEYS", "*") == []


def test_a_broken_death_handler_is_reported_and_keeps_nothing_up(side: Side) -> None:
    reports: list[str] = []
    side.config.error_handlers.append(lambda error, context: reports.append(f"{context['context']}: {error}"))
    side.config.death_handlers.append(lambda item, reason: 1 / 0)  # type: ignore[arg-type]
    side.add("retry", {2e9: job(1)})
    assert side.run(only(side).kill())
    assert reports == ["death handler: division by zero"]
