"""Jobs that come too late for their `expires_in` are dropped and counted; others run as ever."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.wire import payload
from tests.worker.fleet import Fleet

pytestmark = pytest.mark.one_server

_HOUR = 3600.0
_LATE = {"expires_in": 60.0, "expiry": 1_000_000_000.5}
_IN_TIME = {"expires_in": 60.0, "expiry": 3_000_000_000.5}


class _Runs:
    """A `def` and an `async def` job that note their runs; async jobs after an expired one start on the loop."""

    def __init__(self) -> None:
        self.jids: list[str] = []

        @teep.job(name="plain_run")
        def plain() -> None:
            self.note()

        @teep.job(name="async_run")
        async def coroutine() -> None:
            self.note()

    def note(self) -> None:
        context = teep.current_job()
        assert context is not None
        self.jids.append(context.jid)


@pytest.mark.parametrize("name", ["plain_run", "async_run", "unknown_here"])
def test_a_job_that_is_too_late_is_dropped_and_counted(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    runs = _Runs()
    config = fleet.configure()
    heard: list[Any] = []
    config.death_handlers.append(lambda job, _error: heard.append(job))
    config.error_handlers.append(lambda error, _context: heard.append(error))

    def watching(job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        heard.append(job)
        return call_next()

    config.server_middleware.add(watching)
    late = fleet.push(name, **_LATE)
    with caplog.at_level(logging.INFO, "teep.job"):
        fleet.start(config)
        fleet.wait_until_processed(1)
    (record,) = (record for record in caplog.records if record.name == "teep.job")
    assert (record.message, record.__dict__["teep"]) == ("expired", {"class": name, "jid": late})
    assert runs.jids == heard == fleet.members("retry") == fleet.members("dead") == []
    stats, today = teep.Stats(config=config), datetime.now(UTC).date()
    assert (stats.processed, stats.failed, stats.expired) == (1, 0, 1)
    yesterday_and_today = teep.Stats.History(2, today, config=config)
    assert sum(yesterday_and_today.expired.values()) == sum(yesterday_and_today.processed.values()) == 1


@pytest.mark.parametrize("names", [("plain_run", "async_run"), ("async_run",) * 2], ids=["both", "async"])
def test_late_jobs_among_others_disturb_none(fleet: Fleet, names: tuple[str, str]) -> None:
    runs = _Runs()
    pushed: list[str] = []
    for number in range(300):
        jid = fleet.push(names[number % 2], **((), _IN_TIME, _LATE)[number % 3] or {})
        if number % 3 < 2:
            pushed.append(jid)
    fleet.start()
    fleet.wait_until_processed(300)
    assert sorted(runs.jids) == sorted(pushed)
    assert teep.Stats(config=fleet.config).expired == 100
    assert fleet.counters() == (300, 0)


def test_the_option_of_a_job_and_of_a_push(fleet: Fleet) -> None:
    runs = _Runs()

    @teep.job(name="brief", expires_in=timedelta(milliseconds=50))
    def brief() -> None:
        runs.note()

    fleet.push(brief)
    longer = fleet.push(brief.set(expires_in=60))
    never = fleet.push(brief.set(expires_in=None))
    time.sleep(0.06)  # not for luck: the time that must pass before the worker starts
    fleet.start()
    fleet.wait_until_processed(3)
    assert sorted(runs.jids) == sorted([longer, never])


def test_a_scheduled_job_has_its_time_from_when_it_is_due(fleet: Fleet) -> None:
    runs = _Runs()
    jid = fleet.push("plain_run", expires_in=60, at=time.time() + 0.2)
    fleet.start(poll_interval_average=0.05)
    fleet.wait_until_processed(1)
    assert runs.jids == [jid]


def test_a_retry_is_as_late_as_the_job_was(fleet: Fleet) -> None:
    @teep.job(name="fail_briefly", expires_in=60)
    def fail_briefly() -> None:
        raise ValueError("as intended")

    config = fleet.configure(poll_interval_average=0.05)
    config.error_handlers.clear()
    pushed_by = time.time()
    fleet.push(fail_briefly)
    worker = fleet.start(config)
    failed = fleet.failed_payload()
    assert failed["expiry"] == pytest.approx(pushed_by + 60, abs=30)
    worker.stop()
    fleet.server.command("DEL", "retry")
    fleet.server.command("ZADD", "retry", time.time(), payload.serialise({**failed, **_LATE}))
    fleet.start(config)
    fleet.wait_until_processed(2)
    assert (fleet.counters(), teep.Stats(config=config).expired) == ((2, 1), 1)
    assert fleet.members("retry") == fleet.members("dead") == []


@pytest.mark.parametrize("expires_in", [60, "60", None, -1, [1]])
def test_what_ruby_pushes_counts_from_its_enqueueing_and_nonsense_not_at_all(fleet: Fleet, expires_in: Any) -> None:
    runs = _Runs()
    fields = {"class": "plain_run", "args": [], "expires_in": expires_in}
    fleet.push_raw(payload.serialise({**fields, "jid": "old", "enqueued_at": time.time() - _HOUR}))
    fleet.push_raw(payload.serialise({**fields, "jid": "new", "enqueued_at": int(time.time() * 1000)}))
    fleet.start()
    fleet.wait_until_processed(2)
    assert sorted(runs.jids) == (["new"] if expires_in == 60 else ["new", "old"])


def test_one_that_was_rescued_before_is_no_suspect_when_it_is_too_late(fleet: Fleet) -> None:
    """It never starts, so it needs no last chance of its own."""
    runs = _Runs()
    for _ in range(2):
        fleet.push("plain_run", rescues=2, **_LATE)
    jid = fleet.push("plain_run", rescues=2, **_IN_TIME)
    fleet.start()
    fleet.wait_until_processed(3)
    assert runs.jids == [jid]
    assert fleet.members("schedule") == []
