"""The timeline: points by minute and hour, where gaps are gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.errors import InvalidJob
from teep.store.statistics import history
from teep.wire import keys
from tests.api.sides import Side
from tests.api.trips import asked
from tests.support.sampling import sampled

AT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def _sampled(side: Side, minutes: float, queues: Any = None, **values: Any) -> None:
    """Let the leader sample so many minutes after `AT`."""
    sampled(side.config, AT + timedelta(minutes=minutes), queues, **values)


def _timeline(side: Side, *args: Any, **options: Any) -> Any:
    if side.name == "sync":
        return teep.Timeline(*args, config=side.config, **options)
    return side.run(teep.AsyncTimeline.fetch(*args, config=side.config, **options))


def _values(points: list[teep.TimelinePoint]) -> list[float | None]:
    return [point.value for point in points]


def test_points_by_minute_and_gaps(side: Side) -> None:
    _sampled(side, 0, processed=100, failed=1, enqueued=10)
    _sampled(side, 0.5, processed=130, failed=2, enqueued=20)
    _sampled(side, 2, processed=131, failed=2, busy=3)
    timeline = _timeline(side, 240, until=AT + timedelta(minutes=2, seconds=50))
    assert (timeline.starts_at, timeline.ends_at) == (
        AT - timedelta(minutes=1),
        AT + timedelta(minutes=2, seconds=50),
    )
    assert timeline.step == timedelta(minutes=1)
    assert not timeline.is_empty
    assert [point.at for point in timeline.processed] == [AT + timedelta(minutes=each) for each in range(-1, 3)]
    assert _values(timeline.processed) == [None, 30, None, 1]
    assert _values(timeline.failed) == [None, 1, None, 0]
    assert timeline.enqueued == [
        (AT - timedelta(minutes=1), None, None),
        (AT, 15, 20),
        (AT + timedelta(minutes=1), None, None),
        (AT + timedelta(minutes=2), 0, 0),
    ]
    assert _values(timeline.busy) == [None, 0, None, 3]
    assert _values(timeline.dead) == _values(timeline.retries) == _values(timeline.scheduled) == [None, 0, None, 0]


def test_longer_steps_join_minutes(side: Side) -> None:
    for minutes, retries in ((0, 10), (4, 30), (5, 1), (16, 2)):
        _sampled(side, minutes, processed=minutes, retries=retries)
    timeline = _timeline(side, timedelta(minutes=20), timedelta(minutes=5), until=AT + timedelta(minutes=19))
    assert [point.at.minute for point in timeline.retries] == [30, 35, 40, 45]
    assert [point[1:] for point in timeline.retries] == [(20, 30), (1, 1), (None, None), (2, 2)]
    assert _values(timeline.processed) == [4, 1, None, 11]


def test_beyond_72_hours_points_are_hours(side: Side) -> None:
    _sampled(side, 0, scheduled=4)
    side.server.command("DEL", keys.history_minutes(AT))
    timeline = _timeline(side, timedelta(days=90), until=AT)
    assert (timeline.step, len(timeline.scheduled)) == (timedelta(hours=1), 90 * 24)
    assert [point for point in timeline.scheduled if point.value is not None] == [(AT.replace(minute=0), 4, 4)]
    days = _timeline(side, timedelta(days=90), timedelta(days=1), until=AT)
    assert [point for point in days.scheduled if point.value is not None] == [(AT.replace(hour=0, minute=0), 4, 4)]


def test_a_queue_that_was_empty_has_zeros_and_gaps_stay_gaps(side: Side) -> None:
    _sampled(side, 0, {"low": (4, 2.5)})
    _sampled(side, 0.5)
    _sampled(side, 1, {"default": (1, 0.5)})
    timeline = _timeline(side, 180, until=AT + timedelta(minutes=2))
    assert list(timeline.queues) == ["default", "low"]
    low = timeline.queues["low"]
    assert [point[1:] for point in low.size] == [(2, 4), (0, 0), (None, None)]
    assert [point[1:] for point in low.latency] == [(1.25, 2.5), (0, 0), (None, None)]
    assert _values(timeline.queues["default"].size) == [0, 1, None]
    assert timeline.queue("low") == low
    assert _values(timeline.queue("idle").size) == [0, 0, None]


def test_of_more_queues_than_a_record_has_the_others_are_unknown(side: Side) -> None:
    _sampled(
        side, 0, {f"queue-{number}": (number + 2, 1.0) for number in range(history.MOST_QUEUES)} | {"low": (1, 9)}
    )
    _sampled(side, 0.5)
    _sampled(side, 1)
    timeline = _timeline(side, 120, until=AT + timedelta(minutes=1))
    assert "low" not in timeline.queues
    assert [point[1:] for point in timeline.queue("low").size] == [(None, None), (0, 0)]
    assert [point[1:] for point in timeline.queue("queue-1").size] == [(3, 3), (0, 0)]


def test_the_first_sample_after_a_gap_tells_of_no_runs(side: Side) -> None:
    _sampled(side, 0, processed=100)
    _sampled(side, 1, processed=101)
    timeline = _timeline(side, 120, until=AT + timedelta(minutes=1))
    assert (_values(timeline.processed), _values(timeline.failed)) == ([None, 1], [None, 0])
    assert _values(timeline.enqueued) == [0, 0]


def test_a_queue_whose_name_is_no_utf8_is_read_by_its_name(side: Side) -> None:
    _sampled(side, 0, {"\udcff": (4, 2.5)})
    timeline = _timeline(side, 60, until=AT)
    assert list(timeline.queues) == ["\\udcff"]
    assert _values(timeline.queue("\udcff").size) == [4]


def test_a_gauge_is_known_where_it_was_read(side: Side) -> None:
    _sampled(side, 0, gauges={"carts": 4, "temperature": -3.5})
    _sampled(side, 0.5, gauges={"carts": 6})
    _sampled(side, 1)
    timeline = _timeline(side, 120, until=AT + timedelta(minutes=1))
    assert list(timeline.gauges) == ["carts", "temperature"]
    assert [point[1:] for point in timeline.gauges["carts"]] == [(5, 6), (None, None)]
    assert _values(timeline.gauges["temperature"]) == [-3.5, None]


@pytest.mark.parametrize(
    ("last", "commands"), [(3600, 2), (timedelta(hours=72), 73), (timedelta(days=90), 91), (60, 1)]
)
def test_it_takes_one_round_trip(side: Side, last: float | timedelta, commands: int) -> None:
    with asked() as trips:
        timeline = _timeline(side, last, until=AT)
        assert timeline.is_empty
        assert timeline.queues == timeline.gauges == {}
        assert set(_values(timeline.processed)) == set(_values(timeline.enqueued)) == {None}
    assert [len(trip.keys) for trip in trips] == [commands]


def test_the_last_hour_up_to_now_is_the_default(side: Side) -> None:
    timeline = _timeline(side)
    assert (len(timeline.processed), timeline.step) == (60, timedelta(minutes=1))
    assert timedelta(0) <= datetime.now(UTC) - timeline.processed[-1].at < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"last": timedelta(days=91)}, "covers up to 90 days"),
        ({"last": 0}, "covers up to 90 days, not 0"),
        ({"last": "1h"}, "last must be seconds or a timedelta, not '1h'"),
        ({"step": 90}, "must be whole minutes"),
        ({"step": 0}, "up to 72 hours, or whole hours, not 0"),
        ({"step": timedelta(days=91)}, "up to 72 hours, or whole hours"),
        ({"step": 1e300}, "up to 72 hours, or whole hours"),
        ({"step": timedelta(hours=73, minutes=1)}, "up to 72 hours, or whole hours"),
        ({"last": timedelta(hours=73), "step": 60}, "minutes are kept for 72 hours"),
        ({"until": "now"}, "a time must be a datetime"),
    ],
)
def test_what_cannot_be_read_is_refused(options: dict[str, Any], words: str) -> None:
    for kind in (teep.Timeline, teep.AsyncTimeline):
        with pytest.raises(InvalidJob, match=words):
            kind(**options, config=teep.Config(redis_url="redis://nowhere"))


def test_the_exact_kept_lengths_are_allowed() -> None:
    config = teep.Config(redis_url="redis://nowhere")
    assert teep.Timeline(timedelta(hours=72), config=config).step == timedelta(minutes=1)
    assert teep.Timeline(timedelta(hours=73), config=config).step == timedelta(hours=1)
