"""The limits that were used last, and which of them jobs wait for: what pages of many limits read."""

from typing import Any

import pytest

import teep
from teep.config import overridden
from tests.api.sides import Side
from tests.api.trips import sent
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


def test_the_latest_come_first(side: Side) -> None:
    limiters = side.LimiterSet()
    assert side.run(limiters.recent()) == []
    with overridden(side.config):
        for number in range(4):
            with teep.limits.bucket(f"limit-{number}", 3, per="day").within_limit():
                pass
    with sent() as trips:
        found = side.run(limiters.recent(3))
    assert len(trips) == 2
    assert [limiter.name for limiter in found] == ["limit-3", "limit-2", "limit-1"]
    assert found[0].read.used == 1


@pytest.mark.one_server
def test_jobs_that_wait_are_told_by_queue_and_limit(side: Side, own_registry: Any) -> None:
    with overridden(side.config), Fleet(side.server) as fleet:
        day, one = teep.limits.bucket("day", 1, per="day"), teep.limits.leaky("one", 1, per="day")
        jobs = [
            teep.job(name="mail", queue="mailers", limit=day)(lambda: None),
            teep.job(name="ship", queue="low", limit=day)(lambda: None),
            teep.job(name="bill", queue="low", limit=one)(lambda: None),
        ]
        jobs[0].perform_async()
        fleet.start(fleet.configure(queues=["mailers", "low"]))
        fleet.wait_until_processed(1)
        for job in (jobs[0], jobs[1], jobs[1], jobs[2], jobs[2]):
            job.perform_async()
        limiters = side.LimiterSet()
        expected = {"mailers": {"day": 1}, "low": {"day": 2, "one": 1}}
        wait_until(lambda: side.run(limiters.waiting()) == expected, SOON, "four to wait")
