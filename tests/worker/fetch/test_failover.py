"""A replica is promoted behind Sentinel while jobs run."""

import logging

import pytest

from tests.support.special import Sentinel
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.tally import Tally, outages, recoveries, silent

_PROMOTED = 30.0


@pytest.fixture
def fleet(sentinel: Sentinel) -> Fleet:
    return Fleet(sentinel.primary)


def _url(sentinel: Sentinel) -> str:
    return f"redis+sentinel://{sentinel.host}:{sentinel.port}/{sentinel.service}/0"


def all_have_run(fleet: Fleet, tally: Tally, count: int) -> None:
    wait_until(
        lambda: len(tally.runs) == count and not fleet.in_flight() and not fleet.queue(),
        _PROMOTED,
        lambda: f"{count} jobs to run; {len(tally.runs)} did; in flight {fleet.in_flight()}, queued {fleet.queue()}",
    )


@pytest.mark.slow("a sentinel, a replica and a worker start, and the sentinel promotes")
def test_a_promotion_leaves_no_job_behind(sentinel: Sentinel, fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "teep")
    tally = Tally()
    tally.push(fleet, 100, 0.1)
    with fleet:
        worker = fleet.start(silent(fleet, redis_url=_url(sentinel), concurrency=5, heartbeat_interval=0.2))
        tally.wait_for_runs(10)
        fleet.server = sentinel.failover()
        # A failover is not coordinated: what the old primary was told after the promotion is taken back, and runs
        # again. At least once is the promise then, and that nothing is left in flight.
        all_have_run(fleet, tally, 100)
        assert worker.stop()
    assert len(outages(caplog)) <= 1


@pytest.mark.slow("a sentinel takes two seconds to find the primary dead, and more to promote")
def test_a_crash_of_the_primary_is_survived(
    sentinel: Sentinel, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "teep")
    tally = Tally()
    tally.push(fleet, 90, 0.1)
    wait_until(lambda: sentinel.replica.command("LLEN", "queue:default") == 90, SOON, "the replica to have all")
    with fleet:
        worker = fleet.start(silent(fleet, redis_url=_url(sentinel), concurrency=5, heartbeat_interval=0.2))
        tally.wait_for_runs(10)
        fleet.server = sentinel.crash_primary()
        # What the replica had not heard of runs again: at least once is the promise here.
        all_have_run(fleet, tally, 90)
        wait_until(lambda: len(recoveries(caplog)) == 1, SOON, "the recovery to be logged")
        assert worker.stop()
    assert len(outages(caplog)) == 1
