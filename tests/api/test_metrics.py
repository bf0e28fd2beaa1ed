"""Execution metrics: what Sidekiq 7 and 8 wrote, alone and side by side, in exact numbers."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

import teep
from teep.wire import keys
from tests.api.sides import Side
from tests.api.trips import sent
from tests.support import golden

NOW = datetime(2026, 11, 24, 2, 31, 10, tzinfo=UTC)  # a minute after the recordings
MINUTE = "2026-11-24T02:30:00Z"
SLEEP_MS = {"7.3.10": 1551, "8.1.7": 1550}
BOTH = sum(SLEEP_MS.values())
VERSIONS = tuple(SLEEP_MS)


def restore(side: Side, *versions: str, step: str = "26b-metrics-live") -> None:
    for version in versions:
        golden.restore(side.server, golden.load(version, step))


def count(side: Side, key: str, **fields: int) -> None:
    """Add to a metrics hash: `p=1` is a run of the class Noop."""
    for metric, number in fields.items():
        side.server.command("HINCRBY", key, f"Noop|{metric}", number)


def histogram(side: Side, key: str, **slots: int) -> None:
    """Add to a histogram as Sidekiq does: `s3=1` is a run in the fourth slot."""
    for slot, number in slots.items():
        side.server.command("BITFIELD", key, "OVERFLOW", "SAT", "INCRBY", "u16", f"#{slot[1:]}", number)


def top(side: Side, now: Any = NOW, **query: Any) -> teep.MetricsResult:
    result: teep.MetricsResult = side.run(side.MetricsQuery(now).top_jobs(**query))
    return result


def one(side: Side, klass: str, now: Any = NOW, **query: Any) -> teep.MetricsResult:
    result: teep.MetricsResult = side.run(side.MetricsQuery(now).for_job(klass, **query))
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_what_each_class_did(side: Side, version: str) -> None:
    restore(side, version)
    result = top(side)
    ms = SLEEP_MS[version]
    assert {name: job.totals for name, job in result.job_results.items()} == {
        "SleepJob": {"p": 2, "f": 0, "ms": ms, "s": ms / 1000},
        "NoopJob": {"p": 5, "f": 0, "ms": 0, "s": 0},
        "FailJob": {"p": 1, "f": 1, "ms": 0, "s": 0},
    }
    sleep, fail = result.job_results["SleepJob"], result.job_results["FailJob"]
    assert sleep.series == {"p": {MINUTE: 2}, "f": {}, "ms": {MINUTE: ms}, "s": {MINUTE: ms / 1000}}
    assert fail.series == {"p": {MINUTE: 1}, "f": {MINUTE: 1}, "ms": {}, "s": {}}
    assert (sleep.total_avg(), sleep.total_avg("s")) == (ms / 2, ms / 2000)
    assert (sleep.series_avg(), sleep.series_avg("s")) == ({MINUTE: ms / 2}, {MINUTE: ms / 2000})
    assert (fail.total_avg(), fail.series_avg(), fail.series_avg("f")) == (0, {}, {MINUTE: 0})


def test_averages_are_over_the_runs_that_succeeded(side: Side) -> None:
    count(side, "j|261124|2:30", p=3, f=1, ms=3000)
    count(side, "j|261124|2:31", p=1, f=0, ms=600)
    job = top(side).job_results["Noop"]
    assert (job.total_avg(), job.total_avg("s"), job.total_avg("f")) == (1200, 1.2, 1 / 3)
    assert job.series_avg() == {MINUTE: 1500, "2026-11-24T02:31:00Z": 600}


def test_those_that_took_the_most_time_come_first(side: Side) -> None:
    restore(side, "8.1.7")
    assert next(iter(top(side).job_results)) == "SleepJob"


@pytest.mark.parametrize("version", VERSIONS)
def test_one_class_with_its_histogram(side: Side, version: str) -> None:
    restore(side, version)
    result = one(side, "SleepJob")
    job = result.job_results["SleepJob"]
    assert job.totals == {"p": 2, "f": 0, "ms": SLEEP_MS[version], "s": SLEEP_MS[version] / 1000}
    recorded = [0] * 26
    recorded[3] = recorded[11] = 1  # 50 ms and 1.5 s
    assert job.hist == {MINUTE: recorded}
    assert [(job.hist_labels[n], job.hist_bounds[n]) for n in (3, 11, 25)] == [
        ("65ms", 65), ("1.7s", 1700), ("Slow", 1e20),
    ]  # fmt: skip
    assert len(job.hist_labels) == len(job.hist_bounds) == 26


def test_both_versions_side_by_side_are_added_up(side: Side) -> None:
    restore(side, *VERSIONS)
    assert top(side).job_results["SleepJob"].totals == {"p": 4, "f": 0, "ms": BOTH, "s": BOTH / 1000}
    assert top(side).job_results["FailJob"].series["f"] == {MINUTE: 2}
    job = one(side, "SleepJob").job_results["SleepJob"]
    assert job.series["p"] == {MINUTE: 4}
    assert [(slot, n) for slot, n in enumerate(job.hist[MINUTE]) if n] == [(3, 2), (11, 2)]


def test_hours_come_by_ten_minutes_from_both_versions(side: Side) -> None:
    restore(side, *VERSIONS)
    for result in (top(side, hours=1), one(side, "SleepJob", hours=1)):
        job = result.job_results["SleepJob"]
        assert result.granularity == "hourly"
        assert job.series["ms"] == {MINUTE: BOTH}  # the ten minutes of 8.1, and the minute of 7.3
        assert (job.totals["p"], job.hist) == (4, {})
    assert top(side).granularity == "minutely"


def test_every_key_has_its_versions_spelling() -> None:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert keys.metrics_minute(at) == "j|260102|3:04"
    assert keys.metrics_ten_minutes(at) == "j|260102|3:0"
    assert keys.metrics_minute_of_sidekiq_7(at) == "j|20260102|3:4"
    assert keys.histogram("Noop", at) == "h|Noop-2-3:4"
    assert keys.histogram_of_sidekiq_7("Noop", at) == "Noop-02-03:4"


def test_odd_minutes_and_midnight(side: Side) -> None:
    for key in ("j|261124|0:05", "j|20261124|0:5", "j|261123|23:59", "j|20261123|23:59"):
        count(side, key, p=1, ms=5)
    for key in ("h|Noop-24-0:5", "Noop-24-00:5", "h|Noop-23-23:59", "Noop-23-23:59"):
        histogram(side, key, s0=1, s25=2)
    now = datetime(2026, 11, 24, 0, 6, tzinfo=UTC)
    buckets = ["2026-11-23T23:59:00Z", "2026-11-24T00:05:00Z"]
    job = one(side, "Noop", now).job_results["Noop"]
    assert list(job.series["p"].items()) == [(bucket, 2) for bucket in buckets]  # oldest first
    assert job.hist == {bucket: [2, *[0] * 24, 4] for bucket in buckets}
    assert list(top(side, now).job_results["Noop"].series["ms"].items()) == [(bucket, 10) for bucket in buckets]


def test_ten_minutes_of_the_whole_three_days(side: Side) -> None:
    count(side, "j|261124|2:3", p=1)
    count(side, "j|261121|2:4", p=10)  # the oldest of 72 hours
    count(side, "j|261121|2:3", p=100)  # too old
    count(side, "j|20261124|2:3", p=1000)  # Sidekiq 7's minute 02:03
    result = top(side, hours=72)
    for job in (result.job_results["Noop"], one(side, "Noop", hours=72).job_results["Noop"]):
        assert list(job.series["p"].items()) == [  # oldest first
            ("2026-11-21T02:40:00Z", 10), ("2026-11-24T02:00:00Z", 1000), (MINUTE, 1),
        ]  # fmt: skip
    assert (len(result.buckets), result.buckets[0], result.buckets[-1]) == (432, "2026-11-21T02:40:00Z", MINUTE)
    assert top(side, hours=500) == result


def test_sidekiq_7s_minutes_stay_within_the_hours_asked_for(side: Side) -> None:
    count(side, "j|20261124|1:40", p=1)
    count(side, "j|20261124|1:39", p=10)
    assert top(side, hours=1).job_results["Noop"].series["p"] == {"2026-11-24T01:40:00Z": 1}


def test_only_the_minutes_asked_for(side: Side) -> None:
    for minute, number in ((31, 1), (27, 10), (26, 100)):
        count(side, f"j|261124|2:{minute}", p=number)
    result = top(side, minutes=5)
    assert result.job_results["Noop"].totals["p"] == 11
    assert result.buckets == [f"2026-11-24T02:{minute}:00Z" for minute in (27, 28, 29, 30, 31)]
    assert (result.starts_at, result.ends_at) == (datetime(2026, 11, 24, 2, 27, tzinfo=UTC), NOW)
    assert one(side, "Noop", minutes=5).job_results["Noop"].totals["p"] == 11


@pytest.mark.parametrize(
    ("query", "buckets"),
    [({}, 60), ({"minutes": 480}, 480), ({"minutes": 481}, 60), ({"minutes": 0}, 60), ({"minutes": None}, 60),
     ({"hours": 1}, 6), ({"hours": 73}, 432), ({"hours": 0}, 6)],
)  # fmt: skip
def test_unfit_spans_fall_back_as_sidekiqs_do(side: Side, query: dict[str, Any], buckets: int) -> None:
    assert len(top(side, **query).buckets) == buckets
    assert len(one(side, "Noop", **query).buckets) == buckets


def test_a_class_that_did_nothing(side: Side) -> None:
    assert top(side).job_results == {}
    job = one(side, "Noop").job_results["Noop"]
    assert job.totals == {"p": 0, "f": 0, "ms": 0, "s": 0}
    assert (job.series, job.hist) == ({"p": {}, "f": {}, "ms": {}, "s": {}}, {})
    assert (job.total_avg(), job.series_avg()) == (0, {})


@pytest.mark.parametrize("chosen", ["sleep", re.compile("^Sl"), re.compile("Job$")])
def test_classes_can_be_chosen(side: Side, chosen: str | re.Pattern[str]) -> None:
    restore(side, "7.3.10")
    found = set(top(side, class_filter=chosen).job_results)
    assert found == ({"NoopJob", "FailJob", "SleepJob"} if chosen == re.compile("Job$") else {"SleepJob"})


def test_a_text_is_no_pattern(side: Side) -> None:
    restore(side, "7.3.10")
    assert top(side, class_filter="S.eep").job_results == {}


def test_a_class_may_have_a_bar_in_its_name(side: Side) -> None:
    side.server.command("HSET", "j|261124|2:31", "a|b|p", 1)
    assert list(top(side).job_results) == ["a|b"]
    assert one(side, "a|b").job_results["a|b"].totals["p"] == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_deploy_marks(side: Side, version: str) -> None:
    restore(side, version, step="27-deploy-mark")
    mark = teep.DeployMark(datetime(2026, 11, 24, 2, 30, tzinfo=UTC), "abc123 first deploy", MINUTE)
    assert top(side).marks == [mark]
    assert one(side, "Noop").marks == [mark]
    later = NOW + timedelta(minutes=5)
    assert top(side, later, hours=1).marks == [mark]
    assert top(side, later, minutes=6).marks == []


def test_marks_of_every_day_in_the_span(side: Side) -> None:
    days = {
        "20261121": "2026-11-21T02:44:00Z",
        "20261122": "2026-11-22T12:00:00Z",
        "20261124": "2026-11-24T02:31:00Z",
    }
    for day, stamp in days.items():
        side.server.command("HSET", f"{day}-marks", stamp, f"on {day}")
    side.server.command("HSET", "20261121-marks", "2026-11-21T02:39:00Z", "too old")
    side.server.command("HSET", "20261124-marks", "2026-11-24T02:32:00Z", "to come")
    assert [(mark.label, mark.bucket) for mark in top(side, hours=72).marks] == [
        ("on 20261121", "2026-11-21T02:40:00Z"),
        ("on 20261122", "2026-11-22T12:00:00Z"),
        ("on 20261124", "2026-11-24T02:30:00Z"),
    ]


def test_now_is_now_unless_it_is_given(side: Side) -> None:
    count(side, keys.metrics_minute(datetime.now(UTC)), p=1)
    assert top(side, None).job_results["Noop"].totals["p"] == 1
    restore(side, "8.1.7")
    assert top(side, NOW.timestamp()) == top(side, NOW)
    assert top(side, NOW.astimezone()) == top(side, NOW)


@pytest.mark.parametrize("ask", ["top_jobs", "for_job"])
def test_a_query_that_is_kept_sees_what_came_since(side: Side, ask: str) -> None:
    arguments = ["Noop"] if ask == "for_job" else []
    for query, moves in ((side.MetricsQuery(), True), (side.MetricsQuery(NOW), False)):
        first, second = (side.run(getattr(query, ask)(*arguments)).ends_at for _ in range(2))
        assert (second > first) is moves


@pytest.mark.parametrize("query", [{"minutes": 480}, {"hours": 72}], ids=str)
def test_a_query_is_one_round_trip(side: Side, query: dict[str, Any]) -> None:
    for ask in (top, partial(one, klass="Noop")):
        with sent() as commands:
            ask(side, **query)
        assert len(commands) == 1
