"""How a run ended is decided in one place, and each way is settled and told of."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.errors import JobCancelled, JobTimeout, MalformedPayload, Shutdown
from teep.job import current_job
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run import settling
from teep.worker.run.run import State, state_of
from tests.worker.fleet import Fleet

_RAW = b'{"class":"NoopPyJob","args":[],"jid":"a"}'


def _unit(raw: bytes = _RAW, **fields: object) -> UnitOfWork:
    job = UnitOfWork("default", raw)
    for name, value in fields.items():
        setattr(job, name, value)
    return job


@pytest.mark.parametrize(
    ("job", "error", "is_stopped", "state"),
    [
        (_unit(), None, False, State.DONE),
        (_unit(), None, True, State.DONE),
        (_unit(halt=JobTimeout), None, False, State.DONE),
        (_unit(comes_again=True), None, False, State.INTERRUPTED),
        (_unit(comes_again=True, halt=JobTimeout), None, False, State.INTERRUPTED),
        (_unit(comes_again=False), None, False, State.OVER),
        (_unit(halt=JobCancelled), None, False, State.CANCELLED),
        (_unit(halt=JobCancelled, comes_again=True), None, False, State.CANCELLED),
        (_unit(halt=JobCancelled), OSError(), False, State.CANCELLED),
        (_unit(halt=JobCancelled), JobCancelled(), False, State.CANCELLED),
        (_unit(halt=JobCancelled), JobCancelled(), True, State.PUT_BACK),
        (_unit(halt=JobCancelled), OSError(), True, State.CANCELLED),
        (_unit(), OSError(), False, State.FAILED),
        (_unit(), OSError(), True, State.FAILED),
        (_unit(halt=JobTimeout), asyncio.CancelledError(), False, State.FAILED),
        (_unit(comes_again=True), OSError(), False, State.FAILED),
        (_unit(), teep.Retry(), False, State.FAILED),
        (_unit(), teep.OverLimit(reschedule=1), False, State.RESCHEDULED),
        (_unit(), teep.OverLimit(reschedule=0), False, State.FAILED),
        (_unit(), teep.Snooze(5), True, State.SNOOZED),
        (_unit(comes_again=True, halt=JobTimeout), teep.Snooze(5), False, State.SNOOZED),
        (_unit(halt=JobCancelled), teep.Snooze(5), False, State.CANCELLED),
        (_unit(b"no job"), teep.Snooze(5), False, State.MALFORMED),
        (_unit(), Shutdown(), True, State.PUT_BACK),
        (_unit(), Shutdown(), False, State.FAILED),
        (_unit(), asyncio.CancelledError(), True, State.PUT_BACK),
        (_unit(b"no job"), MalformedPayload(), False, State.MALFORMED),
        (_unit(b"no job"), MalformedPayload(), True, State.MALFORMED),
        (_unit(b"no job"), Shutdown(), True, State.PUT_BACK),
    ],
)
def test_how_a_run_ended(job: UnitOfWork, error: BaseException | None, is_stopped: bool, state: State) -> None:
    assert state_of(job, error, is_stopped=is_stopped) is state


def test_each_end_is_settled_but_that_of_a_job_which_is_in_its_queue_already() -> None:
    assert settling._ENDS.keys() == set(State) - {State.STARTED, State.PUT_BACK}


def _define_jobs() -> dict[str, Any]:
    again: set[str] = set()

    def done() -> None: ...

    def over() -> None:
        _run().end_for_good()

    def interrupted() -> None:
        job = current_job()
        if job is not None and job.jid not in again:
            again.add(job.jid)
            _run().put_back()

    def cancelled() -> None:
        _run().halt = JobCancelled

    def failed() -> None:
        raise OSError("as intended")

    return {
        call.__name__: teep.job(name=call.__name__)(call) for call in (done, over, interrupted, cancelled, failed)
    }


def _run() -> UnitOfWork:
    job = current_job()
    assert job is not None
    assert isinstance(job.run, UnitOfWork)
    return job.run


_Told = tuple[Counter[str], Counter[str], tuple[int, int], list[str]]


def _work_off(
    fleet: Fleet,
    caplog: pytest.LogCaptureFixture,
    jobs: dict[str, Any],
    observer: Callable[[object], object] | None = None,
) -> _Told:
    """Return the lines, the metrics, the counters, and the sets with a job in them, once every job has run."""
    caplog.clear()
    fleet.server.flushall()
    for name, job in jobs.items():
        fleet.push(job, retry=0)
        fleet.push(job, retry=0, unique_for=60, unique_until="success")
        fleet.push(job, retry=0, log_level="info", name=name)
    fleet.push_raw(b"no job")
    config = fleet.configure(concurrency=1, heartbeat_interval=0.5)
    if observer is not None:
        config.hooks.observers.append(observer)
    worker = fleet.start(config)
    fleet.wait_until_processed(18)
    worker.stop()
    lines = Counter(record.getMessage() for record in caplog.records if record.name == "teep.job")
    metrics = Counter[str]()
    for key in fleet.server.command("KEYS", "j|*"):
        for field, value in fleet.server.command("HGETALL", key).items():
            if not field.endswith(b"|ms"):
                metrics[str(field, "utf-8")] += int(value)
    locks = fleet.server.command("KEYS", "*unique*")
    assert locks == []
    return lines, metrics, fleet.counters(), [key for key in ("retry", "dead") for _ in fleet.members(key)]


def test_a_job_that_is_done_goes_a_short_way_which_comes_to_the_same(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    seen: list[object] = []
    jobs = _define_jobs()
    short = _work_off(valkey_fleet, caplog, jobs)
    assert short == _work_off(valkey_fleet, caplog, jobs, seen.append)
    lines, metrics, counters, sets = short
    assert lines["start"] == 18
    assert (lines["done"], lines["interrupt"], lines["cancel"]) == (9, 3, 3)
    runs = {"done|p": 3, "over|p": 3, "interrupted|p": 6, "cancelled|p": 3, "failed|p": 3, "failed|f": 3}
    assert metrics == {field: 2 * count for field, count in runs.items()}, "by minute and by ten minutes"
    assert counters == (18, 3)
    assert sets == ["dead"] * 4
    assert seen
