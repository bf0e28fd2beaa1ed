"""The fetcher, on real servers: what it reserves ahead, gives back, settles, and how little it asks when idle."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.config import Config, QueueOrder, driver_for
from teep.drivers import Driver
from teep.runtime.component import Component
from teep.wire import keys
from teep.wire.scripts.script import load
from teep.worker.fetch import reserver
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.prefetch import HORIZON, MOST, Prefetch
from teep.worker.fetch.tallies import Tallies
from teep.worker.fetch.unit import UnitOfWork
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server


def _refuse(error: BaseException, name: str) -> None:
    raise AssertionError(name) from error


def _fetcher(config: Config) -> Fetcher:
    return Fetcher(Component.alone(config, _refuse, "me:1:0"), QueueOrder.parse(["default"]), Tallies())


def _raw(number: int) -> bytes:
    return b'{"class":"x","args":[%d]}' % number


@pytest.fixture
def driver(fleet: Fleet) -> Driver:
    return driver_for(fleet.config)


class _QuickJobs:
    """A clock that passes a tenth of a millisecond at each look, so that jobs are quick though the machine is not."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        self._now += 0.000_1
        return self._now


@pytest.fixture
def fetcher(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetcher]:
    monkeypatch.setattr(reserver, "time", _QuickJobs())
    fetcher = _fetcher(fleet.config)
    yield fetcher
    fetcher.close()
    fetcher.disconnect()


def _take(fetcher: Fetcher) -> UnitOfWork:
    job = fetcher.take()
    assert job is not None
    return job


def _push(fleet: Fleet, jobs: int) -> list[bytes]:
    """Push raw jobs and return their payloads, the first to run first."""
    raws = [_raw(number) for number in range(jobs)]
    for raw in raws:
        fleet.push_raw(raw)
    return raws


def _run_quickly(fleet: Fleet, fetcher: Fetcher, jobs: int) -> None:
    """Take and finish jobs one after the other, so that it learns that they are quick."""
    for _ in _push(fleet, jobs):
        fetcher.done(_take(fetcher))


def test_slow_jobs_come_one_by_one_and_quick_ones_by_the_hundred() -> None:
    prefetch = Prefetch()
    assert prefetch.want(3) == 3
    for beat in range(20):
        prefetch.learn(1_000, beat / 100)
    assert prefetch.want(1) == pytest.approx(1 + 100_000 * HORIZON, abs=1)
    prefetch.learn(1, 10.0)
    prefetch.learn(1, 20.0)
    prefetch.learn(1, 30.0)
    assert prefetch.want(1) < 1 + 100_000 * HORIZON / 7
    prefetch.forget()
    assert prefetch.want(1) == 1
    prefetch.learn(1, 0.0)
    for beat in range(1, 20):
        prefetch.learn(100, beat / 10 - 0.099)
        prefetch.waited(0.099)
    assert prefetch.want(1) == pytest.approx(1 + 100_000 * HORIZON, rel=0.01)
    prefetch.forget()
    for beat in range(20):
        prefetch.learn(1_000_000, beat / 100)
    assert prefetch.want(1) == MOST


def test_quick_jobs_come_by_the_hundred_from_a_distant_redis(fleet: Fleet) -> None:
    with Proxy(fleet.server.port) as proxy:
        proxy.delay = 0.01
        fetcher = _fetcher(fleet.configure(redis_url=proxy.url))
        calls = _calls(fleet, "evalsha")
        _run_quickly(fleet, fetcher, 1_000)
        assert _calls(fleet, "evalsha") - calls < 50
        fetcher.close()
        fetcher.disconnect()


def test_quick_jobs_are_reserved_ahead(fleet: Fleet, fetcher: Fetcher) -> None:
    _run_quickly(fleet, fetcher, 2_000)
    for number in range(100):
        fleet.push_raw(_raw(number))
    _take(fetcher)
    # Where it came by an exchange that had been sent before, most of the others come by the one that is sent now.
    wait_until(lambda: len(fleet.in_flight()) > 3, SOON, "more jobs to be reserved")


def test_what_does_not_start_soon_is_given_back_in_its_order(fleet: Fleet, fetcher: Fetcher) -> None:
    _run_quickly(fleet, fetcher, 2_000)
    raws = _push(fleet, 100)
    held = _take(fetcher)
    assert fetcher.ahead.is_set()
    # Twice for what is at hand, twice for what was asked for ahead, should that have been the larger part.
    for _ in range(4):
        fetcher.tick()
    assert fleet.in_flight() == [held.raw] == raws[:1]
    assert fleet.queue() == raws[1:]
    fetcher.tick()
    assert not fetcher.ahead.is_set()


def test_the_next_jobs_are_asked_for_while_those_at_hand_run(fleet: Fleet, fetcher: Fetcher) -> None:
    _run_quickly(fleet, fetcher, 2_000)
    raws = _push(fleet, 2_000)
    taken = [_take(fetcher)]
    # More is in flight than is at hand: the answer to the second exchange has not been read.
    at_hand = len(fetcher._stock) + 1
    wait_until(lambda: len(fleet.in_flight()) > at_hand, SOON, "the second reservation")
    calls = _calls(fleet, "evalsha")
    while len(taken) <= at_hand:
        taken.append(_take(fetcher))
    assert [job.raw for job in taken] == raws[: len(taken)]
    # The job after the last at hand came by the exchange that had been sent, and the next one was sent.
    wait_until(lambda: _calls(fleet, "evalsha") == calls + 1, SOON, "the third reservation")


def test_what_was_asked_for_ahead_goes_back_when_it_does_not_start_soon(fleet: Fleet, fetcher: Fetcher) -> None:
    _run_quickly(fleet, fetcher, 2_000)
    raws = _push(fleet, 3_000)
    # All at hand have started, and nobody is free to read the answer that is under way.
    started = [_take(fetcher)]
    started += [_take(fetcher) for _ in range(len(fetcher._stock))]
    assert len(started) < 2_000
    assert fetcher.ahead.is_set()
    for _ in range(6):
        fetcher.tick()
    assert not fetcher.ahead.is_set()
    assert sorted(fleet.in_flight()) == sorted(job.raw for job in started)
    assert fleet.queue() == raws[len(started) :]


def test_a_lost_answer_to_what_was_asked_for_ahead_loses_nothing(fleet: Fleet) -> None:
    with Proxy(fleet.server.port) as proxy:
        fetcher = _fetcher(fleet.configure(redis_url=proxy.url))
        _run_quickly(fleet, fetcher, 2_000)
        raws = _push(fleet, 3_000)
        ran = [_take(fetcher)]
        # The next one is sent when the answer that is under way has been read.
        proxy.lose_answer(load("running/exchange").sha.encode())
        while len(ran) < len(raws):
            fetcher.done(ran[-1])
            ran.append(_take(fetcher))
        fetcher.done(ran[-1])
        assert fetcher.settle()
        assert sorted(job.raw for job in ran) == sorted(raws)
        assert (fleet.in_flight(), fleet.queue()) == ([], [])
        assert fleet.counters() == (5_000, 0)
        fetcher.close()
        fetcher.disconnect()


def test_outcomes_are_settled_though_other_threads_are_busy(fleet: Fleet, fetcher: Fetcher) -> None:
    _run_quickly(fleet, fetcher, 2_000)
    fetcher.settle()
    for number in range(50):
        fleet.push_raw(_raw(number))
    first, _second = _take(fetcher), _take(fetcher)
    fetcher.done(first)
    # The second thread is busy now, and no one asks for a job.
    fetcher.tick()
    fetcher.tick()
    assert fleet.counters() == (2_001, 0)
    assert first.raw not in fleet.in_flight()


def test_a_job_behind_a_long_one_is_run_by_another_process_at_once(fleet: Fleet) -> None:
    begun, go = threading.Event(), threading.Event()
    ran: SimpleQueue[float] = SimpleQueue()

    @teep.job(name="quick")
    def quick() -> None: ...

    @teep.job(name="long")
    def long() -> None:
        begun.set()
        go.wait(SOON)

    @teep.job(name="behind")
    def behind() -> None:
        ran.put(time.monotonic())

    first = fleet.start(concurrency=1)
    fleet.client.push_bulk({**quick.to_payload((), {}), "args": [[]] * 3_000})
    fleet.push(long)
    fleet.push(behind)
    assert begun.wait(SOON)
    started = time.monotonic()
    fleet.start(concurrency=1)
    assert ran.get(timeout=SOON) - started < 5
    go.set()
    first.stop()


def test_a_job_that_arrives_twice_in_an_answer_and_a_comparison_runs_once(fleet: Fleet, fetcher: Fetcher) -> None:
    """A comparison finds a job in flight whose blocked move is answered, but not yet read by its thread."""
    wait = fetcher._waiter.wait
    runs: SimpleQueue[bytes] = SimpleQueue()

    def run_one() -> None:
        job = _take(fetcher)
        runs.put(job.raw)
        fetcher.done(job)
        fetcher.settle()

    def wait_and_dawdle(commands: Any) -> Any:
        taken = wait(commands)
        if taken:
            fetcher._waiter.wait = wait  # type: ignore[method-assign]
            fetcher.suspect()
            other = threading.Thread(target=run_one)
            other.start()
            other.join(SOON)
        return taken

    fetcher._waiter.wait = wait_and_dawdle  # type: ignore[method-assign]
    waiting = threading.Thread(target=run_one)
    waiting.start()
    wait_until(lambda: fetcher._someone_waits, SOON, "the thread to be at the queue")
    fleet.push_raw(_raw(1))
    assert runs.get(timeout=SOON) == _raw(1)
    fleet.push_raw(_raw(2))
    assert runs.get(timeout=SOON) == _raw(2)
    waiting.join(SOON)
    assert fleet.counters() == (2, 0)


def test_a_job_that_arrives_after_quiet_goes_back(fleet: Fleet, fetcher: Fetcher) -> None:
    wait = fetcher._waiter.wait

    def wait_and_be_quiet(commands: Any) -> Any:
        taken = wait(commands)
        if taken:
            fetcher.quiet.set()
        return taken

    fetcher._waiter.wait = wait_and_be_quiet  # type: ignore[method-assign]
    got: SimpleQueue[UnitOfWork | None] = SimpleQueue()
    waiting = threading.Thread(target=lambda: got.put(fetcher.take()))
    waiting.start()
    wait_until(lambda: fetcher._someone_waits, SOON, "the thread to be at the queue")
    fleet.push_raw(_raw(1))
    wait_until(lambda: not fetcher._someone_waits, SOON, "the thread to leave the queue")
    assert (fleet.queue(), fleet.in_flight()) == ([_raw(1)], [])
    fetcher.close()
    assert got.get(timeout=SOON) is None
    waiting.join(SOON)


def test_a_job_that_a_comparison_finds_after_quiet_goes_back(fleet: Fleet, fetcher: Fetcher) -> None:
    fleet.server.command("RPUSH", keys.inflight("default", "me:1:0"), _raw(1))
    fetcher.quiet.set()
    fetcher.suspect()
    assert fetcher.settle()
    assert (fleet.queue(), fleet.in_flight()) == ([_raw(1)], [])


def test_a_job_that_a_comparison_finds_is_run(fleet: Fleet, fetcher: Fetcher) -> None:
    fleet.server.command("RPUSH", keys.inflight("default", "me:1:0"), _raw(1))
    fetcher.suspect()
    assert fetcher.settle()
    assert _take(fetcher).raw == _raw(1)


@pytest.mark.slow("it counts what three blocked moves of a second each come to")
def test_an_idle_worker_asks_no_more_than_a_blocked_move_and_an_exchange_a_second(fleet: Fleet) -> None:
    worker = fleet.start(concurrency=10)
    # Each of the ten threads does an exchange when it starts, which may be late on a busy machine.
    (capsule,) = worker._capsules
    wait_until(lambda: capsule.fetcher.idle == 10, SOON, "all threads to have started")
    seen: list[tuple[float, Counter[str]]] = []
    wait_until(lambda: _asks_no_more(fleet, seen), 2 * SOON, lambda: f"three such seconds; seen: {seen}")


def _asks_no_more(fleet: Fleet, seen: list[tuple[float, Counter[str]]]) -> bool:
    started = time.monotonic()
    calls = _until_moved(fleet, 3)
    elapsed = time.monotonic() - started
    seen.append((elapsed, calls))
    return (
        calls["blmove"] <= elapsed + 1
        # An exchange beside each, that of a further one which has begun, and the comparison that follows a heartbeat,
        # which alone persists what it reads.
        and calls["evalsha"] <= calls["blmove"] + 1 + calls["persist"]
        and calls["persist"] <= elapsed / fleet.config.heartbeat_interval + 1
        # The rest are the paused queues, beats, polls and rescues.
        and calls.total() < 15 * elapsed
    )


def _until_moved(fleet: Fleet, moves: int) -> Counter[str]:
    """Wait for so many more blocked moves, and return how often each command was called meanwhile."""
    fleet.server.command("CONFIG", "RESETSTAT")
    return wait_until(
        lambda: calls if (calls := Counter(_all_calls(fleet)))["blmove"] >= moves else Counter(),
        SOON,
        lambda: f"{moves} blocked moves; seen: {_all_calls(fleet)}",
    )


def _all_calls(fleet: Fleet) -> dict[str, int]:
    stats = fleet.server.client.info("commandstats")
    ours = ("info", "config|resetstat")
    calls = {name.removeprefix("cmdstat_"): int(values["calls"]) for name, values in stats.items()}
    # Commands inside a script are counted, too.
    return {name: count for name, count in calls.items() if name not in ours}


def _calls(fleet: Fleet, command: str) -> int:
    return _all_calls(fleet).get(command, 0)


def test_jobs_are_picked_up_at_once_from_each_of_twenty_queues(fleet: Fleet) -> None:
    got: SimpleQueue[float] = SimpleQueue()

    @teep.job(name="job")
    def job() -> None:
        got.put(time.monotonic())

    names = [f"q{number}" for number in range(20)]
    fleet.start(concurrency=2, queues=names)
    delays = []
    for name in names * 2:
        started = time.monotonic()
        fleet.push(job, queue=name)
        delays.append(got.get(timeout=SOON) - started)
    # The better of two times: a busy machine may be late once.
    best = sorted(map(min, delays[: len(names)], delays[len(names) :]))
    assert best[len(best) // 2] < 0.1
    assert best[-1] < 1.0


def test_nothing_is_reserved_when_the_last_heartbeat_is_too_long_ago(fleet: Fleet, fetcher: Fetcher) -> None:
    fetcher.trust_until(time.monotonic() - 1)
    fleet.push_raw(_raw(1))
    taken: SimpleQueue[UnitOfWork | None] = SimpleQueue()
    thread = threading.Thread(target=lambda: taken.put(fetcher.take()), daemon=True)
    thread.start()
    wait_until(lambda: fetcher.idle == 1, SOON, "the thread to look for a job")
    fetcher.settle()
    assert (taken.qsize(), fleet.server.command("LLEN", keys.queue("default"))) == (0, 1)
    fetcher.trust_until(time.monotonic() + 60)
    job = taken.get(timeout=SOON)
    assert job is not None
    assert job.raw == _raw(1)
    thread.join(SOON)
