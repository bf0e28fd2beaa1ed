"""The verbs for whole sets, and the dead set's own ones."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import teep
from tests.api.sides import Side, job, raw


def _many(count: int, **fields: Any) -> dict[float, dict[str, Any]]:
    return {float(number): job(number, **fields) for number in range(count)}


@pytest.mark.parametrize("name", ["ScheduledSet", "RetrySet", "DeadSet"])
@pytest.mark.parametrize(("verb", "count"), [("retry_all", 0), ("add_all_to_queue", 1)])
def test_every_job_to_its_queue(side: Side, name: str, verb: str, count: int) -> None:
    jobs = getattr(side, name)()
    side.add(jobs.name, _many(1_203, retry_count=1))
    side.add(jobs.name, {9e9: job(5_000, retry_count=1) | {"queue": "low"}})
    assert side.run(getattr(jobs, verb)()) == 1_204
    assert side.run(jobs.size()) == 0
    assert sorted(item["args"][0] for item in side.lying()) == list(range(1_203))
    assert {item["retry_count"] for item in side.lying()} == {count}
    assert [item["args"] for item in side.lying("low")] == [[5_000]]


def test_the_earliest_is_the_first_to_run(side: Side) -> None:
    side.add("retry", _many(700))
    side.run(side.RetrySet().retry_all())
    assert side.run(side.Queue().page(700, 1)).items[0].args == [0]


def test_what_is_no_job_stays_and_stops_nothing(side: Side) -> None:
    side.add("retry", {1.0: "no job", 3.0: "[]"} | {2.0: job(2), 4.0: job(4)})
    assert side.run(side.RetrySet().retry_all()) == 2
    assert list(side.scored("retry")) == [b"no job", b"[]"]


def test_middleware_may_drop_some(side: Side) -> None:
    def odd_ones_only(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        return call_next() if item["args"][0] % 2 else None

    side.config.client_middleware.add(odd_ones_only)
    side.add("retry", _many(6))
    assert side.run(side.RetrySet().retry_all()) == 3
    assert sorted(item["args"][0] for item in side.lying()) == [1, 3, 5]
    assert side.scored("retry") == {}


def test_kill_all_moves_them_byte_for_byte(side: Side) -> None:
    before = time.time()
    side.add("retry", _many(1_203) | {9e9: "no job"})
    assert side.run(side.RetrySet().kill_all()) == 1_204
    assert side.scored("retry") == {}
    dead = side.scored("dead")
    assert set(dead) == {raw(job(number)) for number in range(1_203)} | {b"no job"}
    assert all(before <= score <= time.time() for score in dead.values())


def test_kill_all_trims_once_at_the_end(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, dead_max_jobs=5)
    side.add("retry", _many(1_200))
    assert side.run(side.RetrySet().kill_all()) == 1_200
    assert side.run(side.DeadSet().size()) == 4


def test_kill_all_tells_the_death_handlers_only_where_asked(side: Side) -> None:
    deaths: list[tuple[list[Any], str]] = []
    side.config.death_handlers.append(lambda item, reason: deaths.append((item["args"], str(reason))))
    side.add("retry", {1.0: job(1), 2.0: "no job"})
    side.run(side.RetrySet().kill_all())
    assert deaths == []
    side.add("schedule", {1.0: job(2)})
    side.run(side.ScheduledSet().kill_all(notify_failure=True))
    side.add("schedule", {1.0: job(3)})
    side.run(side.ScheduledSet().kill_all(notify_failure=True, ex=RuntimeError("cleaned up")))
    assert deaths == [([2], "Job killed by API"), ([3], "cleaned up")]


def test_kill_all_of_the_dead_leaves_them_dead(side: Side) -> None:
    side.add("dead", _many(3))
    assert side.run(side.DeadSet().kill_all()) == 3
    assert len(side.scored("dead")) == 3


@pytest.mark.parametrize("as_bytes", [True, False])
def test_kill_adds_a_payload_to_the_dead(side: Side, as_bytes: bool) -> None:
    deaths: list[str] = []
    side.config.death_handlers.append(lambda item, reason: deaths.append(f"{item['jid']} {reason}"))
    payload = raw(job(1, note="é"))
    assert side.run(side.DeadSet().kill(payload if as_bytes else payload.decode())) is True
    assert list(side.scored("dead")) == [payload]
    assert deaths == [f"{job(1)['jid']} Job killed by API"]
    side.run(side.DeadSet().kill(raw(job(2)), notify_failure=False))
    assert len(deaths) == 1
    side.run(side.DeadSet().kill(raw(job(3)), ex=KeyError("why")))
    assert deaths[1:] == [f"{job(3)['jid']} 'why'"]


def test_kill_takes_bytes_that_are_no_text(side: Side) -> None:
    side.run(side.DeadSet().kill(b"\xff{"))
    (entry,) = side.listed(side.DeadSet())
    side.run(side.DeadSet().clear())
    side.run(side.DeadSet().kill(entry.value))
    assert list(side.scored("dead")) == [b"\xff{"]


def test_kill_and_trim_keep_the_limits(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, dead_max_jobs=4, dead_timeout=3600.0)
    now = time.time()
    side.add("dead", {now - 3700: job(0)} | {now - 100 + number: job(number) for number in range(1, 5)})
    side.run(side.DeadSet().kill(raw(job(9)), trim=False))
    assert len(side.scored("dead")) == 6
    assert side.run(side.DeadSet().trim()) is True
    assert [msgspec.json.decode(member)["args"] for member in side.scored("dead")] == [[3], [4], [9]]
    side.run(side.DeadSet().kill(raw(job(10))))
    assert [msgspec.json.decode(member)["args"] for member in side.scored("dead")] == [[4], [9], [10]]


def test_the_limits_are_sidekiqs(side: Side) -> None:
    kind = side.kind("DeadSet")
    assert (kind.max_jobs(side.config), kind.timeout(side.config)) == (10_000, 180 * 24 * 3600)
    own = teep.Config(redis_url=side.server.url, dead_max_jobs=7, dead_timeout=60.0)
    assert (kind.max_jobs(own), kind.timeout(own)) == (7, 60.0)


def test_the_old_are_dropped_though_there_is_room(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, dead_timeout=3600.0)
    now = time.time()
    side.add("dead", {now - 3700: job(1), now - 3500: job(2)})
    side.run(side.DeadSet().trim())
    assert list(side.scored("dead")) == [raw(job(2))]


def test_ten_thousand_dead_are_9_999(side: Side) -> None:
    side.server.client.zadd("dead", {f"j{number}": time.time() for number in range(10_050)})
    side.run(side.DeadSet().trim())
    assert side.run(side.DeadSet().size()) == 9_999
