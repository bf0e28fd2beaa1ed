"""Statistics: the counters, the sizes, and their history."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.errors import InvalidJob
from tests.api.sides import Side, job
from tests.api.trips import sent
from tests.support import golden


def _keys(side: Side, **values: Any) -> None:
    for name, value in values.items():
        side.server.command("SET", f"stat:{name}", value)


def test_an_empty_redis_counts_nothing(side: Side) -> None:
    stats = side.stats()
    assert (stats.processed, stats.failed, stats.enqueued, stats.workers_size, stats.processes_size) == (0,) * 5
    assert stats.expired == 0
    assert (stats.scheduled_size, stats.retry_size, stats.dead_size, stats.default_queue_latency) == (0, 0, 0, 0.0)
    assert stats.queues == {}
    assert side.run(stats.queue_summaries()) == []


def test_every_number(side: Side) -> None:
    _keys(side, processed=10, failed=3, expired=2)
    side.push(job(enqueued_at=time.time() - 20), job(1))
    side.push(job(2), queue="low")
    side.add("schedule", {1.0: job(3), 2.0: job(4)})
    side.add("retry", {1.0: job(5)})
    side.add("dead", {1.0: job(6), 2.0: job(7), 3.0: job(8)})
    for number, busy in enumerate((2, 3)):
        side.server.command("SADD", "processes", f"host:{number}:x")
        side.server.command("HSET", f"host:{number}:x", "info", "{}", "busy", busy)
    stats = side.stats()
    assert (stats.processed, stats.failed, stats.enqueued, stats.workers_size) == (10, 3, 3, 5)
    assert stats.expired == 2
    assert (stats.scheduled_size, stats.retry_size, stats.dead_size, stats.processes_size) == (2, 1, 3, 2)
    assert stats.default_queue_latency == pytest.approx(20, abs=5)
    assert list(stats.queues.items()) == [("default", 2), ("low", 1)]


def test_a_counter_that_is_no_number_is_0_as_in_ruby(side: Side) -> None:
    day = datetime.now(UTC).date()
    _keys(side, processed="abc", **{f"processed:{day}": "abc"})
    side.server.command("SADD", "processes", "host:1:x")
    side.server.command("HSET", "host:1:x", "info", "{}", "busy", "many")
    stats = side.stats()
    assert (stats.processed, stats.workers_size) == (0, 0)
    assert side.history(1, day).processed == {str(day): 0}


def test_what_is_due_and_for_how_long(side: Side) -> None:
    stats = side.stats()
    assert side.run(stats.overdue()) == {"scheduled": (0, 0.0), "retry": (0, 0.0)}
    now = time.time()
    side.add("schedule", {now + 500: job(1)})
    side.add("retry", {now - 90: job(2), now - 30: job(3), now + 500: job(4)})
    with sent() as commands:
        due = side.run(stats.overdue())
    assert len(commands) == 1
    assert due["scheduled"] == (0, 0.0)
    assert (due["retry"].jobs, due["retry"].seconds) == (2, pytest.approx(90, abs=20))


def test_queues_come_largest_first_with_their_summaries(side: Side) -> None:
    side.push(job(enqueued_at=time.time() - 40), queue="small")
    side.push(*(job(number, enqueued_at=int(time.time() * 1000) - 7_000) for number in range(3)), queue="large")
    side.push("no job", "none either", queue="broken")
    side.server.command("SADD", "queues", "empty")
    side.server.command("SADD", "paused", "small")
    stats = side.stats()
    assert list(stats.queues.items()) == [("large", 3), ("broken", 2), ("small", 1), ("empty", 0)]
    large, broken, small, empty = side.run(stats.queue_summaries())
    assert large == teep.QueueSummary("large", 3, large.latency, paused=False)
    assert large.latency == pytest.approx(7, abs=5)
    assert broken == ("broken", 2, 0.0, False)
    assert small == ("small", 1, small.latency, True)
    assert small.latency == pytest.approx(40, abs=5)
    assert empty == ("empty", 0, 0.0, False)


def test_a_snapshot_stays_until_it_is_fetched_again(side: Side) -> None:
    stats = side.stats()
    _keys(side, processed=5, failed=1)
    side.add("retry", {1.0: job()})
    assert (stats.processed, stats.retry_size) == (0, 0)
    assert side.run(stats.fetch_stats_fast()) == {
        "processed": 5, "failed": 1, "scheduled_size": 0, "retry_size": 1, "dead_size": 0, "processes_size": 0,
        "default_queue_latency": 0.0,
    }  # fmt: skip
    assert (stats.processed, stats.retry_size) == (5, 1)


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ((), (0, 0, 0)),
        (("processed",), (0, 4, 2)),
        (("failed",), (9, 0, 2)),
        (("expired",), (9, 4, 0)),
        (("failed", "processed"), (0, 0, 2)),
    ],
)
def test_reset(side: Side, names: tuple[str, ...], left: tuple[int, int, int]) -> None:
    _keys(side, processed=9, failed=4, expired=2)
    stats = side.stats()
    side.run(stats.reset(*names))
    for now in (stats, side.stats()):
        assert (now.processed, now.failed, now.expired) == left


def test_only_counters_can_be_reset(side: Side) -> None:
    _keys(side, processed=9)
    with pytest.raises(InvalidJob, match="only processed, failed, expired can be reset, not enqueued"):
        side.run(side.stats().reset("processed", "enqueued"))
    assert side.stats().processed == 9


def test_history_is_by_day_newest_first(side: Side) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(3)]
    _keys(
        side,
        **{f"processed:{days[0]}": 7, f"processed:{days[2]}": 5, f"failed:{days[2]}": 1, f"expired:{days[0]}": 2},
    )
    history = side.history(3)
    assert list(history.processed.items()) == [(str(days[0]), 7), (str(days[1]), 0), (str(days[2]), 5)]
    assert list(history.failed.items()) == [(str(days[0]), 0), (str(days[1]), 0), (str(days[2]), 1)]
    assert list(history.expired.items()) == [(str(days[0]), 2), (str(days[1]), 0), (str(days[2]), 0)]


def test_history_up_to_a_day(side: Side) -> None:
    _keys(side, **{"processed:2026-02-28": 2, "processed:2026-03-01": 3})
    assert side.history(2, date(2026, 3, 1)).processed == {"2026-03-01": 3, "2026-02-28": 2}
    assert len(side.history(5 * 365).processed) == 1825


@pytest.mark.parametrize("days", [0, -1, 5 * 365 + 1])
def test_history_has_its_limits(side: Side, days: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 1825, not {days}"):
        side.history(days)


def test_history_is_at_stats_too() -> None:
    assert teep.Stats.History is teep.History
    assert teep.AsyncStats.History is teep.AsyncHistory


@pytest.mark.parametrize("version", golden.VERSIONS)
@pytest.mark.parametrize("step", ["26-stats-after-exit", "22-busy", "12-fail-3rd"])
def test_recorded_statistics(side: Side, version: str, step: str) -> None:
    recording = golden.load(version, step)
    golden.restore(side.server, recording)
    stats = side.stats()

    def counted(name: str) -> int:
        return int(recording.strings.get(name, b"0"))

    assert (stats.processed, stats.failed) == (counted("stat:processed"), counted("stat:failed"))
    assert (stats.scheduled_size, stats.retry_size, stats.dead_size) == tuple(
        len(recording.zsets.get(name, ())) for name in golden.JOB_SETS
    )
    waiting = {key.removeprefix("queue:"): len(raws) for key, raws in recording.lists.items() if "queue:" in key}
    assert stats.queues == {name.decode(): waiting.get(name.decode(), 0) for name in recording.sets["queues"]}
    assert stats.enqueued == sum(waiting.values())
    live = recording.sets.get("processes", set())
    assert stats.processes_size == len(live)
    assert stats.workers_size == sum(int(recording.hashes[name.decode()][b"busy"]) for name in live)
    day = datetime.fromtimestamp(recording.recorded_at, UTC).date()
    history = side.history(1, day)
    assert history.processed == {str(day): counted(f"stat:processed:{day}")}
    assert history.failed == {str(day): counted(f"stat:failed:{day}")}
