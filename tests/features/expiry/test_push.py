"""`expires_in` at a push: the time from which a job must not run any more, counted from when it is due."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import teep
from teep.features.expiry import times
from tests.api.sides import Side

HOUR = 3600.0


def _push(side: Side, **fields: Any) -> Any:
    return side.run(side.Client().push({"class": "Noop", "args": [], "queue": "q", **fields}))


def _expiry(item: dict[str, Any]) -> float:
    assert type(item["expiry"]) is float
    return item["expiry"]


def test_it_counts_from_the_push(side: Side) -> None:
    before = time.time()
    _push(side, expires_in=60)
    (item,) = side.lying("q")
    assert item["expires_in"] == 60
    assert _expiry(item) == pytest.approx(item["enqueued_at"] + 60)
    assert before + 60 <= item["expiry"] <= time.time() + 60


def test_a_scheduled_jobs_counts_from_when_it_is_due_and_stays_when_it_is(side: Side) -> None:
    at = time.time() + HOUR
    _push(side, expires_in=60, at=at)
    (entry,) = side.listed(side.ScheduledSet())
    assert _expiry(entry.item) == at + 60
    side.run(entry.add_to_queue())
    (item,) = side.lying("q")
    assert item["expiry"] == at + 60


@pytest.mark.parametrize("how", [{}, {"at": [1.0, 1.9e9]}, {"spread_interval": 10.0}])
def test_each_job_of_a_bulk_push_has_its_own(side: Side, how: dict[str, Any]) -> None:
    side.run(side.Client().push_bulk({"class": "Noop", "args": [[1], [2]], "queue": "q", "expires_in": 60, **how}))
    lying = [(item, item["enqueued_at"]) for item in side.lying("q")]
    lying += [(entry.item, entry.score) for entry in side.listed(side.ScheduledSet())]
    assert len(lying) == 2
    for item, due in lying:
        assert _expiry(item) == pytest.approx(due + 60)


def test_a_default_and_a_middleware_may_ask_for_it(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, job_defaults={"expires_in": timedelta(hours=1)})
    _push(side)

    def sooner(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        item["expires_in"] = 5
        return call_next()

    side.config.client_middleware.add(sooner)
    _push(side)
    allowed = sorted(round(item["expiry"] - item["enqueued_at"]) for item in side.lying("q"))
    assert allowed == [5, HOUR]


def test_it_is_written_in_the_unit_of_all_timestamps(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, timestamps="milliseconds")
    _push(side, expires_in=60)
    (item,) = side.lying("q")
    assert type(item["expiry"]) is int
    assert item["expiry"] == pytest.approx(item["enqueued_at"] + 60_000, abs=1)


def test_none_means_none(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, job_defaults={"expires_in": 60})
    _push(side, expires_in=None)
    (item,) = side.lying("q")
    assert "expiry" not in item
    assert times.expiry(item) is None


@pytest.mark.parametrize(("change", "left"), [({"expires_in": None}, None), ({"expires_in": HOUR}, HOUR)])
def test_a_job_that_waits_may_be_given_another_one(side: Side, change: dict[str, Any], left: float | None) -> None:
    _push(side, expires_in=1)
    (record,) = side.listed(side.Queue("q"))
    assert side.run(record.update(**change))
    (item,) = side.lying("q")
    assert times.expiry(item) == (None if left is None else item["enqueued_at"] + left)


@pytest.mark.parametrize(
    ("fields", "expiry"),
    [
        ({}, None),
        ({"expiry": 5.0}, None),
        ({"expires_in": 60, "enqueued_at": 100.5}, 160.5),
        ({"expires_in": 60, "enqueued_at": 1_700_000_000_500}, 1_700_000_060.5),
        ({"expires_in": 60}, None),
        ({"expires_in": 60, "enqueued_at": 100.5, "expiry": 7.5}, 7.5),
        ({"expires_in": 60, "enqueued_at": 100.5, "expiry": 1_700_000_000_500}, 1_700_000_000.5),
        ({"expires_in": 60, "enqueued_at": 100.5, "expiry": 1_700_000_000}, 1_700_000_000.0),
        ({"expires_in": 60, "enqueued_at": 100.5, "expiry": "soon"}, 160.5),
        ({"expires_in": "60", "enqueued_at": 100.5, "expiry": 1.0}, None),
        ({"expires_in": True, "enqueued_at": 100.5}, None),
        ({"expires_in": -1, "enqueued_at": 100.5}, None),
    ],
)
def test_what_others_write_is_read_with_care(fields: dict[str, Any], expiry: float | None) -> None:
    """In doubt a job runs."""
    assert times.expiry(fields) == expiry
