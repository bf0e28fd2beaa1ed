"""A paused queue is left alone within a second, whatever the worker was doing; the others go on."""

import time
from collections.abc import Callable, Sequence

import pytest

import teep
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess

# A worker obeys a pause within a second; what it had taken by then may still run.
OBEYED = 1.0
# How late it may be where the machine has other things to do.
BUSY = 0.5
JOBS = pytest.mark.parametrize("job", ["note_later", "note_later_async"], ids=["def", "async"])


def start(fleet: Fleet, queues: Sequence[str] = ("default", "low"), concurrency: int = 2) -> WorkerProcess:
    return fleet.spawn("-c", str(concurrency), *(part for queue in queues for part in ("-q", queue)))


def push(fleet: Fleet, job: str, queue: str, count: int = 1, seconds: float = 0.0) -> list[str]:
    return [fleet.push(job, seconds, queue, queue=queue) for _ in range(count)]


def queue(fleet: Fleet, name: str) -> teep.Queue:
    return teep.Queue(name, config=fleet.config)


def hold(seconds: float, unchanged: Callable[[], object]) -> None:
    """Look for some time that something stays as it is."""
    before, end = unchanged(), time.monotonic() + seconds
    wait_until(lambda: unchanged() != before or time.monotonic() > end, seconds + SOON, "the time to pass")
    assert unchanged() == before


@pytest.mark.slow("a worker sees a pause within a second, twice")
@JOBS
def test_a_busy_worker_goes_on_with_the_other_queue_only(fleet: Fleet, job: str) -> None:
    start(fleet)
    push(fleet, job, "default", 400, seconds=0.05)
    push(fleet, job, "low", 400, seconds=0.05)
    fleet.wait_for_notes(4, "default")
    queue(fleet, "default").pause()
    end = time.monotonic() + OBEYED + BUSY
    wait_until(lambda: time.monotonic() > end, SOON, "the second to pass")
    left, others = queue(fleet, "default").size(), len(fleet.noted("low"))
    assert left > 300  # it stopped in time, not at the end
    fleet.wait_for_notes(others + 10, "low")
    assert queue(fleet, "default").size() == left
    queue(fleet, "default").unpause()
    wait_until(lambda: queue(fleet, "default").size() < left, SOON, "the queue to be served again")


@pytest.mark.slow("it looks that nothing happens for longer than a worker needs to see a pause")
@JOBS
def test_an_idle_worker_takes_nothing_from_it_a_second_later(fleet: Fleet, job: str) -> None:
    """It waits in blocked moves, one of them at the very queue."""
    start(fleet)
    push(fleet, job, "default")
    fleet.wait_for_notes(1, "default")
    wait_until(lambda: blocked(fleet), SOON, "the worker to block")
    queue(fleet, "default").pause()
    end = time.monotonic() + OBEYED + BUSY
    wait_until(lambda: time.monotonic() > end, SOON, "the second to pass")
    jids = push(fleet, job, "default", 3)
    push(fleet, job, "low", 3)
    fleet.wait_for_notes(3, "low")
    hold(1.5, lambda: (queue(fleet, "default").size(), len(fleet.noted("default"))))
    assert queue(fleet, "default").size() == 3
    since = time.monotonic()
    queue(fleet, "default").unpause()
    assert set(fleet.wait_for_notes(4, "default")[1:]) == set(jids)
    assert time.monotonic() - since < OBEYED + 4.0


@pytest.mark.slow("it looks that nothing happens for longer than a worker needs to see a pause")
@JOBS
def test_a_worker_whose_queues_are_all_paused_waits_and_stops_in_order(fleet: Fleet, job: str) -> None:
    for name in ("default", "low"):
        queue(fleet, name).pause()
        push(fleet, job, name, 2)
    worker = start(fleet)
    hold(1.5, lambda: (fleet.noted("default"), fleet.noted("low"), fleet.in_flight()))
    queue(fleet, "low").unpause()
    fleet.wait_for_notes(2, "low")
    assert fleet.noted("default") == []
    queue(fleet, "low").pause()
    since = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - since < 10
    assert (queue(fleet, "default").size(), fleet.in_flight()) == (2, [])


@pytest.mark.slow("it counts the looks of two seconds")
def test_a_pause_asks_for_no_more_than_a_look_a_second(fleet: Fleet) -> None:
    queue(fleet, "default").pause()
    start(fleet, ["default"], 3)
    fleet.server.command("CONFIG", "RESETSTAT")
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 2.0, SOON, "two seconds to pass")
    stats = fleet.server.client.info("commandstats")
    assert isinstance(stats, dict)
    # One thread looks; the others wait for it.
    assert stats["cmdstat_smembers"]["calls"] <= 2 * (time.monotonic() - since) + 4


def blocked(fleet: Fleet) -> bool:
    clients = fleet.server.client.info("clients")
    assert isinstance(clients, dict)
    return int(clients["blocked_clients"]) >= 2
