"""What the scheduled, retry and dead sets have in common: looking, and removing."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from teep.errors import InvalidPage
from tests.api.sides import Side, jid, job, raw

SETS = {"ScheduledSet": "schedule", "RetrySet": "retry", "DeadSet": "dead"}


@pytest.fixture(params=SETS)
def jobs(request: pytest.FixtureRequest, side: Side) -> Any:
    """One of the sets."""
    return getattr(side, request.param)()


def args(entries: list[Any]) -> list[Any]:
    return [entry.args[0] for entry in entries]


def test_an_empty_set(side: Side, jobs: Any) -> None:
    assert side.run(jobs.size()) == 0
    assert side.listed(jobs) == []
    assert side.run(jobs.page()) == ([], 0, 1)
    assert side.run(jobs.find_job(jid(1))) is None
    assert side.run(jobs.scan("x")) == []
    assert side.run(jobs.fetch(1.0)) == []
    assert not side.run(jobs.delete_by_jid(1.0, jid(1)))
    for verb in ("clear", "delete_all", "retry_all", "add_all_to_queue", "kill_all"):
        assert side.run(getattr(jobs, verb)()) == 0


def test_its_name_is_its_key(jobs: Any) -> None:
    assert jobs.name in SETS.values()


def test_it_iterates_from_the_highest_score(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {3.5: job(3), 1.25: job(1), 2e9: job(9)})
    entries = side.listed(jobs)
    assert [(entry.args, entry.score, entry.id) for entry in entries] == [
        ([9], 2e9, f"2000000000.0|{jid(9)}"), ([3], 3.5, f"3.5|{jid(3)}"), ([1], 1.25, f"1.25|{jid(1)}"),
    ]  # fmt: skip
    assert entries[1].at == datetime(1970, 1, 1, 0, 0, 3, 500_000, UTC)
    assert side.run(jobs.size()) == 3


def test_iteration_passes_the_pages_of_a_round_trip_also_where_scores_are_equal(side: Side, jobs: Any) -> None:
    for number in range(1_203):
        side.server.client.zadd(jobs.name, {raw(job(number)): number // 700})
    assert sorted(args(side.listed(jobs))) == list(range(1_203))


def test_pages_begin_with_what_is_of_interest(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {float(number): job(number) for number in range(1, 8)})
    first, third = side.run(jobs.page(1, size=3)), side.run(jobs.page(3, size=3))
    next_first = jobs.name != "dead"
    assert args(first.items) == ([1, 2, 3] if next_first else [7, 6, 5])
    assert args(third.items) == ([7] if next_first else [1])
    assert (first.total, first.number, third.number, side.run(jobs.page(-1)).number) == (7, 1, 3, 1)
    assert args(side.run(jobs.page(1, size=3, reverse=True)).items) == ([7, 6, 5] if next_first else [1, 2, 3])


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_a_page_of_nothing_is_refused(side: Side, jobs: Any, size: Any) -> None:
    for listed in (jobs, side.Queue()):
        with pytest.raises(InvalidPage, match=f"a page holds 1 item or more, not {size}"):
            side.run(listed.page(1, size=size))


@pytest.mark.parametrize(
    "at", [2e9, 2_000_000_000, datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)], ids=["float", "int", "datetime"]
)
def test_schedule_takes_a_time(side: Side, jobs: Any, at: Any) -> None:
    side.run(jobs.schedule(at, job(1, own={"x": [1.5]})))
    assert side.scored(jobs.name) == {raw(job(1, own={"x": [1.5]})): 2e9}


def test_find_job_takes_the_whole_jid(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {float(number): job(number) for number in range(2_000)} | {9e9: job(9_999, args=[jid(7)])})
    found = side.run(jobs.find_job(jid(7)))
    assert (found.jid, found.score, found.args) == (jid(7), 7.0, [7])
    assert side.run(jobs.find_job(jid(7)[1:])) is None
    assert side.run(jobs.find_job("*")) is None


def test_scan_looks_into_the_json(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {1.0: job(1, tags=["tenant-42"]), 2.0: job(2, tags=["tenant-421"]), 3.0: job(3, note="[x]?")})
    side.add(jobs.name, {4.0: job(4, note="xy")})
    assert sorted(args(side.run(jobs.scan("tenant-42")))) == [1, 2]
    assert args(side.run(jobs.scan('*tenant-42"*'))) == [1]
    assert args(side.run(jobs.scan("[x]?"))) == [3]
    assert side.run(jobs.scan("nothing like it")) == []
    assert sorted(args(side.run(jobs.scan("")))) == [1, 2, 3, 4]


def test_scan_gives_each_job_once(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {float(number): job(number) for number in range(3_000)})
    assert sorted(args(side.run(jobs.scan("Noop")))) == list(range(3_000))


def test_fetch_by_score_by_range_and_by_jid(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {1.5: job(1), 2.5: job(3), 3.5: job(4)})
    side.server.client.zadd(jobs.name, {raw(job(2)): 1.5})
    assert sorted(args(side.run(jobs.fetch(1.5)))) == [1, 2]
    assert args(side.run(jobs.fetch(1.5, jid(2)))) == [2]
    assert args(side.run(jobs.fetch((1.6, 3.5)))) == [3, 4]
    assert side.run(jobs.fetch(1.5, jid(3))) == []


def test_fetch_by_datetime(side: Side, jobs: Any) -> None:
    at = datetime(2033, 5, 18, 3, 33, 20, 250_000, tzinfo=UTC)
    side.add(jobs.name, {at.timestamp(): job(1), 2e9: job(2)})
    assert args(side.run(jobs.fetch(at))) == [1]
    assert sorted(args(side.run(jobs.fetch((at - timedelta(days=1), at))))) == [1, 2]


def test_delete_by_jid_removes_one_of_those_with_its_score(side: Side, jobs: Any) -> None:
    side.server.client.zadd(jobs.name, {raw(job(1)): 5.0, raw(job(2)): 5.0, raw(job(3)): 6.0})
    assert side.run(jobs.delete_by_jid(5.0, jid(2)))
    assert not side.run(jobs.delete_by_jid(5.0, jid(2)))
    assert not side.run(jobs.delete_by_jid(5.0, jid(3)))
    assert side.scored(jobs.name) == {raw(job(1)): 5.0, raw(job(3)): 6.0}


@pytest.mark.parametrize("verb", ["clear", "delete_all"])
def test_clear_says_how_many(side: Side, jobs: Any, verb: str) -> None:
    side.add(jobs.name, {1.0: job(1), 2.0: "no job"})
    assert side.run(getattr(jobs, verb)()) == 2
    assert side.server.command("KEYS", "*") == []


def test_bytes_that_are_no_job_are_entries_too(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {1.0: "this is not JSON {", 2.0: job(2)})
    odd = side.listed(jobs)[1]
    assert (odd.value, odd.jid, odd.item, odd.args) == ("this is not JSON {", "", {}, ["this is not JSON {"])
    assert args(side.run(jobs.scan("not JSON"))) == ["this is not JSON {"]
    assert side.run(odd.delete())
    assert side.run(jobs.size()) == 1


def test_latency_and_error(side: Side, jobs: Any) -> None:
    side.add(jobs.name, {1.0: job(created_at=time.time() - 50), 2.0: job(1, error_class="E", error_message="m")})
    failed, waiting = side.listed(jobs)
    assert waiting.latency == pytest.approx(50, abs=5)
    assert (failed.is_error, waiting.is_error) == (True, False)
