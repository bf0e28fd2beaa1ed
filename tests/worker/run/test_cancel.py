"""A cancelled job ends for good wherever it is: it is not retried, not dead, and no other is disturbed."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

import pytest

import teep
from teep.client.client import Enqueueable
from teep.errors import RedisUnavailable
from teep.worker.run.halting import cancellations, timeouts
from tests.conftest import ServerFactory
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

# An interruption that falls into a weak reference's callback or a hook of the garbage collector is ignored by Python,
# which says so; docs/timeouts-and-cancellation.md tells users.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# Seconds: twice what is promised, since a test machine may be busy.
_PROMISED = 4.0


class _Ends:
    """Jobs of each kind that run until they are told, and what they noted at their end."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.notes: list[object] = []

    def jobs(self) -> dict[str, Enqueueable]:
        @teep.job(name="told_def")
        def plain() -> None:
            self.begun.set()
            self._noting(lambda: time.sleep(0.001))

        @teep.job(name="told_async")
        async def coroutine() -> None:
            self.begun.set()
            try:
                await asyncio.sleep(3600)
            except BaseException as error:
                self.notes.append((type(error), _is_cancelled()))
                raise

        return {"def": plain, "async": coroutine}

    def _noting(self, step: Callable[[], None]) -> None:
        try:
            while True:
                step()
        except BaseException as error:
            self.notes.append((type(error), _is_cancelled()))
            raise


def _is_cancelled() -> bool:
    context = teep.current_job()
    assert context is not None
    return context.cancelled


def _gone(fleet: Fleet) -> None:
    """Check that nothing is left of the jobs, whose end is counted."""
    assert fleet.members("retry") == fleet.members("dead") == fleet.queue() == fleet.in_flight() == []
    assert fleet.counters()[1] == 0


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_running_job_is_interrupted_and_leaves_for_good(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    ends, died = _Ends(), list[object]()
    config = fleet.configure()
    config.death_handlers.append(lambda _job, error: died.append(error))
    config.error_handlers.append(lambda error, _context: died.append(error))
    fleet.start(config)
    jid = fleet.push(ends.jobs()[kind])
    assert ends.begun.wait(SOON)
    with caplog.at_level(logging.INFO, "teep.job"):
        assert fleet.client.cancel(jid) == "working"
        fleet.wait_until_processed(1, _PROMISED)
    kinds = {"def": teep.JobCancelled, "async": asyncio.CancelledError}
    assert ends.notes == [(kinds[kind], True)]
    _gone(fleet)
    assert died == []
    (line,) = [record for record in caplog.records if record.getMessage() == "cancel"]
    assert (line.__dict__["teep"]["class"], line.__dict__["teep"]["jid"]) == (f"told_{kind}", jid)
    assert fleet.client.cancel(jid) is None


def test_a_job_that_looks_ends_by_itself_before_it_is_interrupted(fleet: Fleet) -> None:
    begun, ended = threading.Event(), threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        assert not _is_cancelled()
        while not _is_cancelled():
            time.sleep(0.001)
        ended.set()

    fleet.start()
    jid = fleet.push(job)
    assert begun.wait(SOON)
    assert fleet.client.cancel(jid) == "working"
    assert fleet.client.cancel(jid) in ("working", None)  # twice is harmless
    assert ended.wait(SOON)
    fleet.wait_until_processed(1)
    _gone(fleet)


@pytest.mark.slow("a worker process starts, and looks for messages once a second")
def test_only_the_job_that_was_cancelled_is(fleet: Fleet) -> None:
    fleet.spawn("-c", "4")
    fleet.spawn("-c", "4")
    told = [fleet.push("tell_of_stop"), fleet.push("tell_of_cancel")]
    others = [fleet.push("note_later", 1.5), fleet.push("note_later_async", 1.5)]
    fleet.wait_for_notes(4, "begun")
    for jid in told:
        assert fleet.client.cancel(jid) == "working"
    fleet.wait_for_notes(2, "stopped", _PROMISED)
    assert sorted(fleet.noted("stopped")) == ["CancelledError", "JobCancelled"]
    assert sorted(fleet.wait_for_notes(2)) == sorted(others)
    fleet.wait_until_processed(4)
    _gone(fleet)


def test_one_that_is_on_its_way_is_cancelled_when_it_starts(fleet: Fleet) -> None:
    ends = _Ends()
    ran: list[str] = []

    @teep.job(name="on_its_way")
    def job() -> None:
        ran.append("ran")

    @teep.job(name="on_its_way_async")
    async def coroutine() -> None:
        ran.append("ran")

    fleet.start()
    first = fleet.push(ends.jobs()["async"])
    assert ends.begun.wait(SOON)
    # It is in no place where it could be found: such as in the hands of a process, from a set to its queue.
    for jid in ("a" * 24, "b" * 24):
        assert fleet.client.cancel(jid) is None
    # Messages come in order: when this one was heard, those were.
    assert fleet.client.cancel(first) == "working"
    fleet.wait_until_processed(1)
    fleet.push(job, jid="a" * 24)
    fleet.push(coroutine, jid="b" * 24)
    fleet.wait_until_processed(3)
    assert ran == []
    _gone(fleet)
    fleet.push(job)
    fleet.wait_until_processed(4)
    assert ran == ["ran"]


def test_a_cancelled_job_that_fails_in_its_own_way_is_reported_and_not_retried(fleet: Fleet) -> None:
    reported: list[BaseException] = []
    begun = threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        while not _is_cancelled():
            time.sleep(0.001)
        raise KeyError("cleaning up")

    config = fleet.configure()
    config.error_handlers.append(lambda error, _context: reported.append(error))
    fleet.start(config)
    jid = fleet.push(job)
    assert begun.wait(SOON)
    fleet.client.cancel(jid)
    fleet.wait_until_processed(1)
    assert [type(error) for error in reported] == [KeyError]
    _gone(fleet)


def test_a_job_that_ignores_its_timeout_can_be_cancelled_and_is_reported_until_it_ends(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "_FIRST_REPORT", 0.02)
    told: list[type[BaseException]] = []
    released = threading.Event()

    @teep.job(name="job", timeout=0.02)
    def job() -> None:
        while not released.is_set():
            try:
                while not released.is_set():
                    time.sleep(0.001)
            except (teep.JobTimeout, teep.JobCancelled) as error:
                told.append(type(error))

    fleet.start()
    with caplog.at_level(logging.WARNING, "teep"):
        jid = fleet.push(job)
        wait_until(lambda: told == [teep.JobTimeout], SOON, "the timeout")
        assert fleet.client.cancel(jid) == "working"
        wait_until(lambda: "after its cancellation" in caplog.text, SOON, "a report")
    released.set()
    fleet.wait_until_processed(1)
    assert told == [teep.JobTimeout, teep.JobCancelled]
    _gone(fleet)


def test_a_stop_is_no_cancellation_and_runs_the_job_again(fleet: Fleet) -> None:
    ends = _Ends()
    fleet.push(ends.jobs()["def"])
    (raw,) = fleet.queue()
    worker = fleet.start()
    assert ends.begun.wait(SOON)
    assert worker.stop(0.05)
    assert ends.notes == [(teep.errors.Shutdown, False)]
    assert fleet.queue() == [raw]


@pytest.mark.slow("Redis is away for a while")
def test_a_cancel_during_an_outage_says_so_and_works_when_it_is_called_again(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    ends = _Ends()
    with Fleet(server) as fleet:
        fleet.start()
        jid = fleet.push(ends.jobs()["def"])
        assert ends.begun.wait(SOON)
        server.kill()
        with pytest.raises(RedisUnavailable):
            fleet.client.cancel(jid)
        assert ends.notes == []
        server.restart()
        assert fleet.client.cancel(jid) == "working"
        fleet.wait_until_processed(1)
        assert ends.notes == [(teep.JobCancelled, True)]
        _gone(fleet)


def test_outside_of_a_worker_nothing_is_cancelled() -> None:
    @teep.job(name="job")
    def job() -> bool:
        return _is_cancelled()

    assert job.perform_inline() is False


def test_cancellations_are_forgotten_after_a_while_and_beyond_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellations, "_MOST", 3)
    known = cancellations.Cancels()
    for second, jid in enumerate("abca"):
        known.add(jid, float(second))
    assert list(known.jids) == ["b", "c", "a"]
    known.add("d", 4.0)
    assert list(known.jids) == ["c", "a", "d"]
    assert known.forget(602.5) == 603.0
    assert list(known.jids) == ["a", "d"]
    assert known.forget(604.0) == float("inf")
    assert not known.jids
