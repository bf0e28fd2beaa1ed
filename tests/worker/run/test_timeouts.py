"""A job that takes longer than its timeout ends there, whatever it does, and disturbs no other."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from teep.errors import Shutdown
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.halting import timeouts
from teep.worker.run.halting.interrupts import Interrupts
from teep.worker.run.halting.timeouts import Timeouts
from teep.worker.run.work_set import LocalWorkSet
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

# An interruption that falls into a weak reference's callback or a hook of the garbage collector is ignored by Python,
# which says so; docs/timeouts-and-cancellation.md tells users.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_LONG = 3600.0


@teep.job(name="out_of_time", timeout=0.05)
def endless() -> None:
    while True:
        time.sleep(0.001)


@teep.job(name="out_of_time_async", timeout=0.05)
async def endless_async() -> None:
    await asyncio.sleep(_LONG)


class Endless(teep.Job, timeout=0.05, name="OutOfTime"):
    def perform(self) -> None:
        endless()


@pytest.mark.parametrize("job", [endless, endless_async, Endless.set()], ids=["def", "async", "class"])
def test_a_job_that_takes_too_long_fails_and_is_retried(fleet: Fleet, job: Enqueueable) -> None:
    fleet.start()
    fleet.push(job, backtrace=True)
    payload = fleet.failed_payload()
    assert payload["error_class"] == "teep.errors.JobTimeout"
    assert payload["error_message"] == "the job ran longer than its timeout of 0.05 s"
    assert payload["retry_count"] == 0
    assert payload["timeout"] == 0.05
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 1)


def test_the_handlers_of_a_failure_see_the_timeout(fleet: Fleet) -> None:
    seen: list[BaseException] = []
    config = fleet.configure()
    config.error_handlers.append(lambda error, _context: seen.append(error))
    config.death_handlers.append(lambda _job, error: seen.append(error))

    @teep.job(name="job", timeout=0.05, retry=0)
    async def job() -> None:
        await asyncio.sleep(_LONG)

    fleet.start(config)
    fleet.push(job)
    fleet.failed_payload("dead")
    assert [type(error) for error in seen] == [teep.JobTimeout, teep.JobTimeout]
    assert isinstance(seen[0].__cause__, asyncio.CancelledError)


def test_a_push_may_set_another_timeout_or_none(fleet: Fleet) -> None:
    ran: list[float] = []

    @teep.job(name="job", timeout=0.01)
    def job() -> None:
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            time.sleep(0.001)
        ran.append(deadline)

    fleet.start()
    fleet.push(job.set(timeout=_LONG))
    fleet.push(job.set(timeout=None))
    fleet.wait_until_processed(2)
    assert len(ran) == 2
    assert fleet.counters() == (2, 0)


def test_a_timeout_from_ruby_counts_and_one_that_makes_no_sense_does_not(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    @teep.job(name="ruby_pushed")
    def job(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.001)
        ran.append(str(deadline))

    for timeout in (b'"5"', b"0", b"-1", b"true", b"1e300", b"[1]"):
        fleet.push_raw(b'{"class":"ruby_pushed","args":[0],"jid":"a","timeout":%b}' % timeout)
    fleet.push_raw(b'{"class":"ruby_pushed","args":[3600],"jid":"b","retry":true,"timeout":1}')
    with caplog.at_level(logging.WARNING):
        fleet.start()
        assert fleet.failed_payload()["jid"] == "b"
        fleet.wait_until_processed(7)
    assert len(ran) == 6
    assert caplog.text.count("a timeout that is not seconds above 0 is ignored") == 6


@pytest.mark.parametrize("value", [0, -1, True, "5", 2e9])
def test_a_timeout_that_is_none_is_refused_at_the_definition_and_at_the_push(value: Any) -> None:
    with pytest.raises(teep.errors.InvalidJob, match="must be seconds above 0"):
        teep.job(name="the.job", timeout=value)(lambda: None)
    with pytest.raises(teep.errors.InvalidJob, match="must be seconds above 0"):
        endless.set(timeout=value)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that come soon."""
    monkeypatch.setattr(timeouts, "_FIRST_REPORT", 0.02)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets a stubborn job go, at the latest at the test's end."""
    event = threading.Event()
    yield event
    event.set()


def _stubborn(released: threading.Event, told: list[str]) -> dict[str, Enqueueable]:
    """Jobs that know that they must end, and do not."""

    @teep.job(name="stubborn_def", timeout=0.02)
    def plain() -> None:
        while not released.is_set():
            try:
                released.wait()
            except (teep.JobTimeout, teep.JobCancelled) as error:
                told.append(type(error).__name__)

    @teep.job(name="stubborn_async", timeout=0.02)
    async def coroutine() -> None:
        while not released.is_set():
            try:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError as error:
                told.append(type(error).__name__)

    @teep.job(name="stubborn_blocking", timeout=0.02)
    async def blocking() -> None:
        released.wait()

    return {"def": plain, "async": coroutine, "blocking": blocking}


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("kind", ["def", "async", "blocking"])
def test_a_job_that_ignores_its_timeout_is_reported_again_and_again(
    fleet: Fleet, released: threading.Event, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    told: list[str] = []
    fleet.start()
    with caplog.at_level(logging.WARNING, "teep"):
        jid = fleet.push(_stubborn(released, told)[kind])
        wait_until(lambda: len(_reports(caplog)) >= 3, SOON, lambda: f"three reports: {caplog.text}")
    released.set()
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)
    for record in _reports(caplog):
        assert record.__dict__["teep"] == {"class": f"stubborn_{kind}", "jid": jid}
        assert "after its timeout" in record.getMessage()
        # Where it is: in the function, at the very line.
        assert f"in {'coroutine' if kind == 'async' else 'plain' if kind == 'def' else kind}" in record.getMessage()
    times = [record.created for record in _reports(caplog)]
    assert times[2] - times[1] > 0.04  # it grows: 0.02, 0.04, 0.08
    assert told == {"def": ["JobTimeout"], "async": ["CancelledError"], "blocking": []}[kind]


def _reports(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if "runs on" in record.getMessage()]


@pytest.mark.slow("volume is what it is about: a race between two threads must have its chance")
def test_ten_thousand_jobs_that_just_make_it_or_do_not_disturb_no_neighbour(valkey: Server) -> None:
    """Half of the jobs have a timeout of about what they take; the others have none and must not notice."""
    valkey.flushall()
    ran: Counter[int] = Counter()
    failures: list[BaseException] = []
    seconds = 0.001

    @teep.job(name="at_the_edge", timeout=seconds, retry=False)
    def edge(number: int) -> None:
        until = time.perf_counter() + seconds * (0.5 + number % 100 / 100)
        while time.perf_counter() < until:
            time.sleep(0)

    @teep.job(name="at_the_edge_async", timeout=seconds, retry=False)
    async def edge_async(number: int) -> None:
        await asyncio.sleep(seconds * (0.5 + number % 100 / 100))

    @teep.job(name="neighbour", retry=False)
    def neighbour(number: int) -> None:
        ran[number] += sum(range(50)) == 1225

    @teep.job(name="neighbour_async", retry=False)
    async def neighbour_async(number: int) -> None:
        await asyncio.sleep(0)
        ran[number] += 1

    jobs: tuple[Enqueueable, ...] = (edge, neighbour, edge_async, neighbour_async)
    count = 10_000
    with Fleet(valkey) as fleet:
        config = fleet.configure(concurrency=8)
        config.error_handlers.append(lambda error, _context: failures.append(error))
        for start in range(0, count, 1000):  # in turn, so that each thread has all kinds
            for part, job in enumerate(jobs):
                numbers = [[number] for number in range(start + part, start + 1000, len(jobs))]
                fleet.client.push_bulk({**job.to_payload((0,), {}), "args": numbers})
        worker = fleet.start(config)
        fleet.wait_until_processed(count, 60.0)
        assert worker.stop(SOON)
    timed_out = [error for error in failures if isinstance(error, teep.JobTimeout)]
    assert [error for error in failures if not isinstance(error, teep.JobTimeout)] == []
    assert ran == Counter(range(1, count, 2))
    # Both ends came up, or this proves nothing.
    assert count / 100 < len(timed_out) < count / 2


class _Counting(Timeouts):
    turns = 0

    def run_once(self) -> None:
        self.turns += 1
        super().run_once()


def _fail(error: BaseException, name: str) -> None:
    raise AssertionError(name) from error


def test_the_watching_thread_sleeps_while_no_time_is_up() -> None:
    watching = _Counting(LocalWorkSet(), lambda _job: Interrupts(), _fail)
    watching.start()
    job = UnitOfWork("default", b'{"class":"x","args":[]}')
    try:
        watching.watch("first", job, _LONG)
        wait_until(lambda: watching.turns == 2, SOON, "it to know of the first")
        for _ in range(1000):
            watching.watch("thread", job, _LONG * 2)
            watching.unwatch("thread")
        watching.cancel("the last of its orders")
        wait_until(lambda: watching.cancelled_jids, SOON, "it to have come to that")
        assert watching.turns < 50
    finally:
        watching.stop()


class _Runner:
    """What a job was interrupted with."""

    grace = 0.1

    def __init__(self) -> None:
        self.kinds: list[type[BaseException]] = []

    def interrupt(self, _thread_id: str, _job: UnitOfWork, kind: type[BaseException]) -> None:
        self.kinds.append(kind)

    def stack(self, _thread_id: str) -> str:
        return "somewhere"


def test_a_timeout_that_comes_after_the_cancellation_changes_nothing() -> None:
    running, runner = LocalWorkSet(), _Runner()
    watching = Timeouts(running, lambda _job: runner, _fail)
    job = UnitOfWork("default", b'{"class":"x","args":[],"jid":"a"}')
    running["thread"] = (job, 0.0)
    watching.cancel("a")
    watching.run_once()
    watching.watch("thread", job, runner.grace / 2)

    def interrupted() -> bool:
        watching.run_once()
        return bool(runner.kinds)

    wait_until(interrupted, SOON, "an interruption")
    assert runner.kinds == [teep.JobCancelled]
    assert job.is_cancelled


def test_a_stop_while_a_job_ignores_its_timeout_puts_it_back(fleet: Fleet) -> None:
    ends: list[str] = []
    told = threading.Event()

    @teep.job(name="job", timeout=0.02)
    def job() -> None:
        while True:
            try:
                while True:
                    time.sleep(0.001)
            except teep.JobTimeout:
                told.set()
            except Shutdown:
                ends.append("Shutdown")
                raise

    fleet.push(job)
    (raw,) = fleet.queue()
    worker = fleet.start()
    assert told.wait(SOON)
    assert worker.stop(0.1)
    assert ends == ["Shutdown"]
    assert fleet.queue() == [raw]
    assert fleet.members("retry") == []
