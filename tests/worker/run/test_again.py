"""`Retry` and `Snooze`: a job asks to come again, with and without an attempt used."""

import json
import math
import pickle
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.errors import InvalidType, InvalidValue
from teep.job import again
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = [pytest.mark.usefixtures("own_registry"), pytest.mark.one_server]


class Boom(RuntimeError):
    """An error of the user's own."""


class Stage:
    """A worker, and who hears of what its jobs do: lines of the log, error handlers, death handlers."""

    def __init__(self, fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
        self.fleet = fleet
        self.heard: SimpleQueue[BaseException] = SimpleQueue()
        self.deaths: SimpleQueue[BaseException] = SimpleQueue()
        self._caplog = caplog
        caplog.set_level("INFO")
        self.config = fleet.configure(poll_interval_average=0.05)
        self.config.error_handlers.append(lambda error, _context: self.heard.put(error))
        self.config.death_handlers.append(lambda _job, error: self.deaths.put(error))

    def run(
        self,
        error: Callable[[], BaseException] | BaseException,
        *,
        waits: bool = False,
        name: str = "asks",
        **options: Any,
    ) -> str:
        """Push a job that raises, run it once, and return its jid."""

        def fail() -> None:
            raise error() if callable(error) else error

        async def fail_awaited() -> None:
            fail()

        job = teep.job(name=name, **options)(fail_awaited if waits else fail)
        jid = teep.Client(self.config).enqueue(job)
        assert jid
        self.work_off()
        return jid

    def work_off(self) -> None:
        """Let a worker run one job, and stop it."""
        before = self.fleet.counters()[0]
        worker = self.fleet.start(self.config)
        self.fleet.wait_until_processed(before + 1)
        worker.stop()

    def make_due(self) -> None:
        """Let the time of all that waits come."""
        for key in ("schedule", "retry"):
            for raw in self.fleet.members(key):
                self.fleet.server.command("ZADD", key, time.time() - 1, raw)

    def entry(self, key: str) -> tuple[dict[str, Any], float]:
        """Return the one job of a set, and in how many seconds it is due."""
        (raw,) = self.fleet.members(key)
        return json.loads(raw), float(self.fleet.server.command("ZSCORE", key, raw)) - time.time()

    def lines(self) -> list[tuple[str, str, bool]]:
        """Return the lines of the job: level, words, and whether a traceback follows."""
        return [
            (record.levelname, record.getMessage(), record.exc_info is not None)
            for record in self._caplog.records
            if record.name == "teep.job"
        ]


@pytest.fixture
def stage(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> Stage:
    return Stage(fleet, caplog)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("retry", [True, 0, False])
@pytest.mark.parametrize("delay", [60, 60.5, timedelta(minutes=1)])
def test_a_snooze_uses_no_attempt(stage: Stage, delay: Any, retry: Any, waits: bool) -> None:
    jid = stage.run(teep.Snooze(delay), waits=waits, retry=retry)
    item, due = stage.entry("schedule")
    assert 50 < due < 61
    assert set(item) == {"retry", "queue", "args", "class", "jid", "created_at", "enqueued_at"}
    assert (item["jid"], item["retry"]) == (jid, retry)
    assert stage.fleet.counters() == (1, 0)
    assert stage.lines() == [("INFO", "start", False), ("INFO", "snoozed", False)]
    assert stage.heard.empty()
    assert stage.deaths.empty()
    assert stage.fleet.in_flight() == []


def test_it_may_snooze_for_ever_and_keeps_its_attempts(stage: Stage) -> None:
    stage.run(teep.Snooze(60), retry=1)
    for _ in range(3):
        stage.make_due()
        stage.work_off()
    assert stage.fleet.counters() == (4, 0)
    raw = stage.fleet.members("schedule")[0]
    stage.fleet.server.flushall()
    failed = {**json.loads(raw), "retry_count": 3, "failed_at": 1.0, "error_class": "Boom"}
    stage.fleet.push_raw(json.dumps(failed, separators=(",", ":")).encode())
    stage.work_off()
    item, _ = stage.entry("schedule")
    assert item == failed  # the same stored payload, retry_count included


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("delay", "low", "high"), [(100, 100, 110), (timedelta(hours=2), 7200, 7210), (20, 20, 30)])
def test_a_retry_uses_an_attempt(stage: Stage, delay: Any, low: float, high: float, waits: bool) -> None:
    stage.run(teep.Retry(delay, "not yet there"), waits=waits, retry_in=lambda *_: 9_999)
    item, due = stage.entry("retry")
    assert low - 10 < due < high
    assert (item["error_class"], item["error_message"], item["retry_count"]) == (
        "teep.errors.Retry",
        "not yet there",
        0,
    )
    assert stage.fleet.counters() == (1, 1)
    _, line = stage.lines()
    assert (line[0], line[2]) == ("INFO", False)
    assert line[1].startswith("asked for a retry (try 1 of 26): not yet there; again in ")
    assert stage.heard.empty()
    assert stage.deaths.empty()


def test_without_a_delay_the_usual_one_counts(stage: Stage) -> None:
    stage.run(teep.Retry())
    item, due = stage.entry("retry")
    assert 10 < due < 26
    assert item["error_message"] == "the job asked for another try"


def test_without_a_delay_the_job_says_when(stage: Stage) -> None:
    asked: list[Any] = []

    def retry_in(count: int, error: BaseException, _job: Any) -> float:
        asked.append((count, type(error)))
        return 1_000

    stage.run(teep.Retry(), retry_in=retry_in)
    assert 990 < stage.entry("retry")[1] < 1_010
    assert asked == [(0, teep.Retry)]


def _caused() -> BaseException:
    try:
        _ask()
    except teep.Retry as retry:
        return retry
    raise AssertionError


def _ask() -> None:
    try:
        _fail()
    except Boom as error:
        raise teep.Retry(500) from error


def _fail() -> None:
    raise Boom("no answer")


def test_a_cause_is_the_failure(stage: Stage) -> None:
    stage.run(_caused)
    item, due = stage.entry("retry")
    assert 490 < due < 510
    assert (item["error_class"], item["error_message"]) == (f"{__name__}.Boom", "no answer")
    assert isinstance(stage.heard.get(timeout=SOON), Boom)
    _, line = stage.lines()
    assert (line[0], line[2]) == ("ERROR", True)
    assert line[1].startswith(f"failed (try 1 of 26): {__name__}.Boom: no answer; again in 5")


@pytest.mark.parametrize(
    ("error", "retry", "told", "dead"),
    [
        (teep.Retry(60), 0, teep.Retry, 1),
        (_caused, 0, Boom, 1),
        (teep.Retry(60), False, teep.Retry, 0),
    ],
)
def test_a_retry_with_no_try_left_is_a_death(
    stage: Stage, error: Any, retry: Any, told: type[BaseException], dead: int
) -> None:
    stage.run(error, retry=retry)
    assert type(stage.deaths.get(timeout=SOON)) is told
    assert type(stage.heard.get(timeout=SOON)) is told
    assert len(stage.fleet.members("dead")) == dead
    assert stage.lines()[-1][0] == "ERROR"


def test_a_job_that_is_not_well_behaved_may_let_them_pass(stage: Stage) -> None:
    """They are exceptions: a middleware sees them pass, and what catches all exceptions catches them too."""
    seen: list[str] = []

    def watch(_item: Any, call_next: Callable[[], Any]) -> Any:
        try:
            return call_next()
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    stage.config.server_middleware.add(watch)
    stage.run(teep.Snooze(60))
    assert seen == ["Snooze"]


@pytest.mark.parametrize("error", [teep.Snooze(60), teep.Retry(60)])
def test_a_unique_job_keeps_its_lock(stage: Stage, error: BaseException) -> None:
    stage.run(error, unique_for=600)
    assert stage.fleet.server.command("KEYS", "unique:*")
    ((raw),) = stage.fleet.members("schedule" if type(error) is teep.Snooze else "retry")
    assert teep.Client(stage.config).push({"class": "asks", "args": [], "unique_for": 600}) is None
    assert "unique_lock" in json.loads(raw)


@pytest.mark.parametrize("error", [teep.Snooze(60), teep.Retry(60)])
def test_the_places_of_limits_are_given_back(stage: Stage, error: BaseException) -> None:
    limit = teep.limits.concurrent("erp", 1)
    stage.run(error, limit=limit)
    used = teep.LimiterSet(config=stage.config).get("erp")
    assert used is not None
    assert used.usage().used == 0


@pytest.mark.parametrize("error", [teep.Snooze(600), teep.Retry(600)])
def test_an_iterable_job_goes_on_where_it_was(stage: Stage, error: BaseException) -> None:
    done: list[int] = []

    class Walk(teep.IterableJob, name="walk"):
        def build_enumerator(self, *, cursor: Any) -> Any:
            return self.array_enumerator([0, 1, 2], cursor=cursor)

        def each_iteration(self, item: int) -> None:
            if item == 1 and done.count(1) == 0:
                done.append(1)
                raise error
            done.append(item)

    teep.Client(stage.config).enqueue(Walk)
    stage.work_off()
    stage.make_due()
    stage.work_off()
    assert done == [0, 1, 1, 2]


def test_a_cancelled_job_does_not_come_again(stage: Stage) -> None:
    def cancel_and_ask() -> None:
        job = teep.current_job()
        assert job is not None
        assert teep.Client(stage.config).cancel(job.jid) == "working"
        wait_until(lambda: job.cancelled, SOON, "the cancellation")
        raise teep.Snooze(60)

    teep.Client(stage.config).enqueue(teep.job(name="cancelled")(cancel_and_ask))
    stage.work_off()
    assert stage.fleet.members("schedule") == []
    assert stage.fleet.counters() == (1, 0)


@pytest.mark.parametrize("kind", [teep.Retry, teep.Snooze])
@pytest.mark.parametrize(
    ("delay", "error"),
    [
        (-1, InvalidValue),
        (math.nan, InvalidValue),
        (math.inf, InvalidValue),
        (1_000_000_001, InvalidValue),
        (timedelta(seconds=-1), InvalidValue),
        (True, InvalidType),
        ("60", InvalidType),
        (datetime(2030, 1, 1), InvalidType),  # noqa: DTZ001 - any datetime will do
    ],
)
def test_a_delay_that_is_none_is_refused(kind: Any, delay: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"the delay of {kind.__name__} must be "):
        kind(delay)


def test_a_snooze_needs_a_delay() -> None:
    with pytest.raises(TypeError, match="delay"):
        teep.Snooze()  # type: ignore[call-arg]


@pytest.mark.parametrize("error", [teep.Retry(5, "why"), teep.Retry(), teep.Snooze(timedelta(minutes=1))])
def test_they_travel_between_processes(error: Any) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), arrived.seconds, str(arrived)) == (type(error), error.seconds, str(error))


def test_ones_own_need_not_call_init(stage: Stage) -> None:
    class Later(teep.Snooze):
        def __init__(self, why: str) -> None:
            self.why = why

    class Again(teep.Retry):
        def __init__(self, why: str) -> None:
            self.why = why

    stage.run(Later("x"))
    assert 50 < stage.entry("schedule")[1] < 61
    stage.run(Again("x"), name="again")
    assert 10 < stage.entry("retry")[1] < 26


def test_only_these_come_again() -> None:
    with pytest.raises(TypeError, match="a job that raised Boom does not come again"):
        again.later({}, Boom())


@pytest.fixture
def asks(offline: teep.Config) -> Any:
    """A job that raises what it is told, and how often it ran."""
    ran: list[str] = []

    @teep.job(name="asks")
    def asks(kind: str) -> None:
        ran.append(kind)
        raise teep.Snooze(60) if kind == "snooze" else teep.Retry(60)

    asks.ran = ran  # type: ignore[attr-defined]
    return asks


def test_a_test_that_drains_collects_what_snoozes(asks: Any) -> None:
    with teep.testing.fake() as jobs:
        asks.perform_async("snooze")
        assert jobs.drain(with_scheduled=True) == 1
        teep.testing.assert_enqueued(asks, args=["snooze"], at=60)
        assert (jobs.drain(), len(jobs)) == (0, 1)
        assert jobs.drain(with_scheduled=True) == 1
        assert jobs.perform_one(with_scheduled=True).args == ["snooze"]
        assert (asks.ran, len(jobs)) == (["snooze"] * 3, 1)
        jobs.clear()
        asks.perform_async("retry")
        with pytest.raises(teep.Retry):
            jobs.drain()
        assert len(jobs) == 0


def test_what_runs_here_and_now_raises_them(asks: Any) -> None:
    with teep.testing.inline(), pytest.raises(teep.Snooze):
        asks.perform_async("snooze")
    with pytest.raises(teep.Retry):
        asks.perform_inline("retry")
