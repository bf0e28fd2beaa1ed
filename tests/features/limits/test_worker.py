"""The job option `limit`: jobs wait in the scheduled set, with no thread and no attempt, and go on when they may."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

import teep
from teep import limits
from teep.config import driver_for
from teep.errors import InvalidJob
from teep.features.limits.limit import Limit
from teep.runtime.component import Component
from teep.wire import commands, keys
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.admission import Admission
from teep.worker.services.poller import Poller
from teep.worker.services.rescuer import Rescuer
from tests.features.limits.conftest import lease_of
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


class Stage:
    """Jobs that run until they are let go; `most` is how many ran at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.inside = self.most = 0
        self.ran: list[Any] = []

    def run(self, number: Any) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(SOON)
        with self.lock:
            self.inside -= 1
            self.ran.append(number)

    def run_until_told(self) -> None:
        """Run until a stop or a cancellation comes, which Python raises between two waits."""
        while not self.go.wait(0.01):
            pass

    def job(self, limit: Any, *, is_async: bool = False, **options: Any) -> Any:
        def plain(number: Any) -> None:
            self.run(number)

        async def coroutine(number: Any) -> None:
            self.run(number)

        return teep.job(name="limited", limit=limit, **options)(coroutine if is_async else plain)

    def wait_for(self, count: int) -> None:
        wait_until(lambda: self.inside == count, SOON, lambda: f"{count} to run: {self.inside}")

    def wait_until_ran(self, count: int) -> None:
        wait_until(lambda: len(self.ran) == count, SOON, lambda: f"{count} to have run: {self.ran}")


@pytest.fixture
def stage(here: Fleet) -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.go.set()


def _wait_for_size(here: Fleet, key: str, size: int) -> None:
    wait_until(lambda: len(here.members(key)) == size, SOON, lambda: f"{size} in {key}: {here.members(key)}")


def _scores(here: Fleet, key: str = "schedule") -> list[float]:
    return [float(score) for _, score in here.server.command("ZRANGE", key, 0, -1, "WITHSCORES")]


def test_jobs_over_the_limit_wait_in_the_scheduled_set_byte_for_byte(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1))
    for number in range(4):
        here.push(job, number)
    pushed = here.queue()
    here.start()
    _wait_for_size(here, "schedule", 3)
    stage.wait_for(1)
    assert {*here.members("schedule"), *here.in_flight()} == set(pushed)
    at = datetime.fromtimestamp(_scores(here)[0], UTC)
    assert timedelta(0) < at - datetime.now(UTC) < timedelta(seconds=31)  # the end of the lease
    assert teep.LimiterSet().get("c").usage()[:3] == (1, 1, 3)  # type: ignore[union-attr]
    assert here.counters() == (0, 0)


def test_each_end_lets_the_one_in_that_waits_longest(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1))
    here.start(concurrency=1)
    here.push(job, "first")
    stage.wait_for(1)
    for number in range(5):  # one thread is busy, so they wait in the queue, and then one by one at the limit
        here.push(job, number)
    stage.go.set()
    stage.wait_until_ran(6)
    assert stage.ran == ["first", 0, 1, 2, 3, 4]
    assert stage.most == 1
    here.wait_until_processed(6)
    assert here.counters() == (6, 0)
    wait_until(lambda: teep.LimiterSet().get("c").usage()[:3] == (0, 1, 0), SOON, "all to be free")  # type: ignore[union-attr]


@pytest.mark.parametrize("is_async", [False, True])
def test_over_many_threads_and_two_queues_it_is_never_over_used(here: Fleet, stage: Stage, *, is_async: bool) -> None:
    job = stage.job(limits.concurrent("c", 2), is_async=is_async)
    stage.go.set()
    for number in range(60):
        here.push(job, number, queue="low" if number % 3 else "default")
    here.start(concurrency=10, queues=["default", "low"])
    stage.wait_until_ran(60)
    assert sorted(stage.ran) == list(range(60))
    assert stage.most <= 2
    assert here.members("schedule") == []


def test_a_place_goes_from_process_to_process(here: Fleet, stage: Stage) -> None:
    """The oldest waits in a queue that only the other worker serves."""
    job = stage.job(limits.concurrent("c", 1))
    here.start(queues=["a"])
    here.start(queues=["b"])
    here.push(job, "a", queue="a")
    stage.wait_for(1)
    here.push(job, "b", queue="b")
    _wait_for_size(here, "schedule", 1)
    stage.go.set()
    stage.wait_until_ran(2)


@pytest.mark.parametrize(
    "limit", [limits.bucket("l", 2, 3_600), limits.window("l", 2, 3_600), limits.leaky("l", 2, 7_200)]
)
def test_a_limit_in_time_names_the_exact_time(here: Fleet, stage: Stage, limit: Limit) -> None:
    job = stage.job(limit)
    stage.go.set()
    here.start()
    for number in range(5):
        here.push(job, number)
    stage.wait_until_ran(2)
    _wait_for_size(here, "schedule", 3)
    times = _scores(here)
    assert times[0] - time.time() <= 3_600
    if limit.kind == "bucket":
        assert times == [pytest.approx(hour * 3_600) for hour in (times[0] // 3_600,) * 2 + (times[0] // 3_600 + 1,)]
    if limit.kind == "leaky":
        assert [later - times[0] for later in times] == [pytest.approx(wait, abs=1e-3) for wait in (0, 3_600, 7_200)]


def test_what_was_refused_uses_no_attempt_and_runs_when_its_time_has_come(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.leaky("l", 1, 0.5), retry=0)
    stage.go.set()
    here.start(poll_interval_average=0.1)
    for number in range(3):
        here.push(job, number)
    stage.wait_until_ran(3)
    here.wait_until_processed(3)
    assert here.counters() == (3, 0)


def test_a_limit_of_each_key(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("tenant", 1, key=lambda tenant: tenant))
    for tenant in ("a", "a", "b", None, None):
        here.push(job, tenant)
    here.start(concurrency=5)
    stage.wait_for(4)
    _wait_for_size(here, "schedule", 1)
    assert {limiter.name: limiter.read.used for limiter in teep.LimiterSet()} == {"tenant:a": 1, "tenant:b": 1}
    stage.go.set()
    stage.wait_until_ran(5)


def test_several_limits_all_count(here: Fleet, stage: Stage) -> None:
    job = stage.job([limits.concurrent("wide", 3), limits.concurrent("narrow", 1)])
    for number in range(4):
        here.push(job, number)
    here.start(concurrency=4)
    _wait_for_size(here, "schedule", 3)
    assert {limiter.name: limiter.read.used for limiter in teep.LimiterSet()} == {"wide": 1, "narrow": 1}
    stage.go.set()
    stage.wait_until_ran(4)
    assert stage.most == 1


def test_a_key_that_raises_is_a_failure_of_the_job(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1, key=lambda number: number["tenant"]))
    here.push(job, 1)
    here.start()
    assert here.failed_payload()["error_class"] == "TypeError"
    assert here.failed_payload()["retry_count"] == 0


@pytest.mark.parametrize("ends", ["fails", "dies", "is cancelled"])
def test_however_a_job_ends_its_place_is_free_in_the_same_step(here: Fleet, stage: Stage, ends: str) -> None:
    limit = limits.concurrent("c", 1)

    @teep.job(name="limited", limit=limit, retry=ends != "dies" and 5)
    def limited() -> None:
        if ends == "is cancelled":
            teep.Client(here.config).cancel(teep.current_job().jid)  # type: ignore[union-attr]
            stage.run_until_told()
        raise ValueError

    here.start()
    count = 1 if ends == "is cancelled" else 2
    for _ in range(count):
        here.push(limited)
    here.wait_until_processed(count)
    wait_until(lambda: limit.usage()[:3] == (0, 1, 0), SOON, lambda: f"a free place: {limit.usage()}")
    assert limit.usage().granted == count


def test_a_stop_gives_all_places_back(here: Fleet, stage: Stage) -> None:
    limit = limits.concurrent("c", 2)

    @teep.job(name="limited", limit=limit)
    def limited() -> None:
        stage.run_until_told()

    worker = here.start(concurrency=3)
    for _ in range(3):
        here.push(limited)
    wait_until(lambda: limit.usage()[:3] == (2, 2, 1), SOON, "two to run")
    worker.stop(0)
    assert limit.usage().used == 0
    assert here.server.command("KEYS", "teep:limits:*") == []


@pytest.mark.slow("a worker process starts, and is killed")
def test_the_places_of_a_killed_process_are_free_at_its_rescue(here: Fleet) -> None:
    limit = limits.concurrent("killed", 2, lock_timeout=3_600)
    process = here.spawn("-c", "3")
    for _ in range(3):
        here.push("tests.worker.jobs.held_by_limit")
    wait_until(lambda: limit.usage().used == 2, SOON, "two to run")
    wait_until(lambda: limit.usage().waiting == 1, SOON, "the third one to wait")
    process.signal(signal.SIGKILL)
    process.wait(SOON)
    Rescuer(Component.alone(here.config, _fail)).run_once()
    assert limit.usage()[:3] == (0, 2, 0)
    assert len(here.queue()) == 3  # that which waited is called, too


def _fail(error: BaseException, _name: str) -> None:
    raise error


def test_a_long_job_keeps_its_place_by_the_heartbeat(here: Fleet, stage: Stage) -> None:
    limit = limits.concurrent("c", 1)
    job = stage.job(limit)
    here.start(heartbeat_interval=0.1)
    here.push(job, 1)
    stage.wait_for(1)
    first = lease_of(here)
    wait_until(lambda: lease_of(here) > first, SOON, "a later end of its lease")
    assert limit.usage().used == 1


def test_a_place_inside_of_a_job_is_kept_by_the_heartbeat_too(here: Fleet) -> None:
    inside, go = threading.Event(), threading.Event()
    limit = limits.concurrent("c", 1, wait_timeout=0)

    @teep.job(name="enters")
    def enters() -> None:
        with limit.within_limit():
            inside.set()
            assert go.wait(SOON)

    worker = here.start(heartbeat_interval=0.1)
    here.push(enters)
    assert inside.wait(SOON)
    (held,) = here.server.command("ZRANGE", "{teep:limit:c}:line", 0, -1)
    assert held.startswith(worker.identity.encode() + b"|")
    first = lease_of(here)
    wait_until(lambda: lease_of(here) > first, SOON, "a later end of its lease")
    go.set()
    here.wait_until_processed(1)
    assert limit.usage().used == 0


def test_a_place_in_another_redis_is_kept_inside_of_a_job_too(here: Fleet) -> None:
    elsewhere = here.config.copy(redis_url=here.server.url.replace("/0", "/5"))
    limit = limits.concurrent("c", 1, lock_timeout=1, config=elsewhere)
    inside, go = threading.Event(), threading.Event()

    @teep.job(name="enters")
    def enters() -> None:
        with limit.within_limit():
            inside.set()
            assert go.wait(SOON)

    def lease() -> float:
        ((_, ends),) = driver_for(elsewhere).execute(commands.zrangebyscore(keys.limit_line("c"), "0", "+inf", 0, 1))
        return float(ends)

    here.start(heartbeat_interval=0.1)
    here.push(enters)
    assert inside.wait(SOON)
    first = lease()
    wait_until(lambda: lease() > first, SOON, "a later end of its lease")
    go.set()


class _Raises:
    """A job that runs into a limit so many times."""

    def __init__(self, times: int, **options: Any) -> None:
        self.left, self.runs = times, 0

        @teep.job(name="raises", **options)
        def raises(_number: int, *_: Any) -> None:
            self.runs += 1
            if self.left:
                self.left -= 1
                raise teep.OverLimit(retry_after=60)

        self.job = raises


@pytest.mark.parametrize("retry", [5, 0, False])
def test_a_job_that_runs_into_a_limit_comes_again_and_no_attempt_is_used(here: Fleet, retry: int) -> None:
    raises = _Raises(1, retry=retry)
    here.start()
    here.push(raises.job, 1)
    _wait_for_size(here, "schedule", 1)
    assert _scores(here)[0] - time.time() == pytest.approx(60, abs=30)
    item = json.loads(here.members("schedule")[0])
    assert item["overrated"] == 1
    assert "retry_count" not in item
    assert "error_class" not in item
    here.wait_until_processed(1)
    assert here.counters() == (1, 0)
    teep.ScheduledSet().retry_all()
    wait_until(lambda: raises.runs == 2, SOON, "its second run")


def test_after_so_many_times_it_is_an_ordinary_failure(here: Fleet) -> None:
    raises = _Raises(9)
    here.start()
    here.push(raises.job, 1, overrated=20)
    failed = here.failed_payload()
    assert (failed["error_class"], failed["overrated"], failed["retry_count"]) == ("teep.errors.OverLimit", 20, 0)


def test_without_a_time_it_comes_later_each_time(here: Fleet) -> None:
    @teep.job(name="raises")
    def raises() -> None:
        raise teep.OverLimit

    here.start()
    here.push(raises, overrated=3)
    _wait_for_size(here, "schedule", 1)
    assert 1_100 <= _scores(here)[0] - time.time() < 1_502


def test_the_line_of_a_job_that_ran_into_a_limit(here: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    raises, told = _Raises(1), []
    here.config.hooks.observers.append(lambda happening: told.append(type(happening).__name__))
    with caplog.at_level("INFO", "teep.job"):
        here.start(here.config)
        here.push(raises.job, 1)
        _wait_for_size(here, "schedule", 1)
        wait_until(lambda: "over the limit" in caplog.text, SOON, "the line")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert "Run" in told


def test_a_unique_job_keeps_its_lock_while_it_waits(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1), unique_for=3_600)
    here.push(job, 1)
    here.push(job, 2)
    here.start()
    stage.wait_for(1)
    _wait_for_size(here, "schedule", 1)
    assert here.client.push(job.to_payload((2,), {})) is None
    stage.go.set()
    stage.wait_until_ran(2)
    wait_until(lambda: not here.server.command("KEYS", "unique:*"), SOON, "the locks to be free")


def test_a_job_that_is_taken_out_of_the_scheduled_set_holds_up_no_other(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1))
    here.start()
    here.push(job, 0)
    stage.wait_for(1)
    for number in (1, 2, 3):
        here.push(job, number)
        _wait_for_size(here, "schedule", number)
    entries = {entry.args[0]: entry for entry in teep.ScheduledSet()}
    assert entries[1].delete()
    entries[2].reschedule(time.time() + 9_999)
    stage.go.set()
    stage.wait_until_ran(2)
    assert stage.ran == [0, 3]
    assert len(here.members("schedule")) == 1


def test_a_queue_that_is_paused_keeps_its_jobs_and_gives_the_place_on(here: Fleet, stage: Stage) -> None:
    job = stage.job(limits.concurrent("c", 1))
    here.start(queues=["a", "b"])
    here.push(job, "a1", queue="a")
    stage.wait_for(1)
    here.push(job, "a2", queue="a")
    _wait_for_size(here, "schedule", 1)
    teep.Queue("a").pause()
    over = time.monotonic() + 1.2
    wait_until(lambda: time.monotonic() > over, SOON, "an idle thread to take nothing from it any more")
    stage.go.set()
    here.push(job, "b", queue="b")
    stage.wait_until_ran(2)
    assert stage.ran == ["a1", "b"]
    wait_until(lambda: len(here.queue("a")) == 1, SOON, "a2 to be back in its queue")


def _wait_at_a_pause(here: Fleet, stage: Stage, limit: Limit) -> None:
    """Pause a limit, and let three jobs wait for it."""
    job = stage.job(limit)
    stage.go.set()
    limit.pause(3_600)
    here.start()
    for number in range(3):
        here.push(job, number)
    _wait_for_size(here, "schedule", 3)


def test_a_paused_limit_and_its_end(here: Fleet, stage: Stage) -> None:
    limit = limits.bucket("b", 100, "day")
    _wait_at_a_pause(here, stage, limit)
    limit.resume()
    stage.wait_until_ran(3)


def test_a_paused_concurrent_limit_asks_each_job_once(here: Fleet, stage: Stage) -> None:
    limit = limits.concurrent("c", 5)
    _wait_at_a_pause(here, stage, limit)
    over = time.monotonic() + 0.3
    wait_until(lambda: time.monotonic() > over, SOON, "what would go round by now")
    assert limit.usage()[:3] == (0, 5, 3)
    assert limit.usage().over == 3
    limit.resume()
    stage.wait_until_ran(3)


def test_a_line_of_another_type_holds_up_no_other_job(here: Fleet, stage: Stage) -> None:
    @teep.job(name="plain")
    def plain() -> None: ...

    job = stage.job(limits.concurrent("c", 1))
    here.start()
    here.push(job, 1)
    stage.wait_for(1)
    here.server.command("DEL", "{teep:limit:c}:line")
    here.server.command("SET", "{teep:limit:c}:line", "no zset")
    stage.go.set()
    for _ in range(3):
        here.push(plain)
    here.wait_until_processed(4)
    assert here.counters() == (4, 0)


def test_while_redis_is_away_no_job_runs_unasked(here: Fleet, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from teep.errors import RedisUnavailable
    from teep.store import features

    async def away(*_: Any) -> Any:
        raise RedisUnavailable("away")

    job = stage.job(limits.concurrent("c", 1))
    stage.go.set()
    with monkeypatch.context() as patch:
        patch.setattr(features, "admit_all", away)
        here.start()
        here.push(job, 1)
        _wait_for_size(here, "schedule", 1)
        assert stage.ran == []
    teep.ScheduledSet().retry_all()
    stage.wait_until_ran(1)


def test_a_limit_that_redis_refuses_holds_up_no_job_of_another(here: Fleet, stage: Stage) -> None:
    here.server.command("SET", "teep:limit:broken", "no hash")
    fine = teep.job(name="fine", limit=limits.bucket("fine", 9, "day"))(stage.run)
    broken = teep.job(name="broken", limit=limits.bucket("broken", 9, "day"))(stage.run)
    stage.go.set()
    for job in (fine, broken, broken, fine):
        here.push(job, "fine" if job is fine else "broken")
    here.start(concurrency=1)
    stage.wait_until_ran(2)
    assert stage.ran == ["fine", "fine"]


def test_a_limit_that_is_raised_in_code_lets_those_in_that_wait(here: Fleet, stage: Stage) -> None:
    stage.go.set()
    worker = here.start()
    job = stage.job(limits.bucket("b", 1, "day"))
    for number in range(5):
        here.push(job, number)
    _wait_for_size(here, "schedule", 4)
    worker.quiet()
    with limits.bucket("b", 4, "day").within_limit():  # a process with newer code
        pass
    # One may have been taken just as the worker became quiet: it is put back.
    wait_until(lambda: (len(here.queue()), len(here.members("schedule"))) == (2, 2), SOON, "two to be let in")


@pytest.mark.parametrize("created", [-5.0, 1e300, "yesterday", None])
def test_a_job_that_was_created_whenever_runs(here: Fleet, stage: Stage, created: Any) -> None:
    job = stage.job(limits.concurrent("c", 1))
    stage.go.set()
    here.push_raw(msgspec.json.encode(job.to_payload((1,), {}) | {"jid": "j", "created_at": created}))
    here.start()
    stage.wait_until_ran(1)


def test_ordinary_jobs_ask_nothing(here: Fleet, stage: Stage) -> None:
    @teep.job(name="plain")
    def plain() -> None: ...

    stage.job(limits.concurrent("c", 1))
    here.start()
    here.push(plain)
    here.wait_until_processed(1)
    assert here.server.command("KEYS", "*limit*") == []


@pytest.mark.parametrize("limit", ["shop", 5, [None]])
def test_what_is_no_limit_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidJob, match=r"limit of the\.job must be a limit of teep\.limits, or several"):
        teep.job(name="the.job", limit=limit)(lambda: None)


def test_the_poller_brings_a_job_that_no_release_has_called(here: Fleet, stage: Stage) -> None:
    """The line is lost, as by a failover: the scheduled time is the fallback."""
    job = stage.job(limits.concurrent("c", 1, lock_timeout=0.5))
    here.start()
    here.push(job, 1)
    stage.wait_for(1)
    here.push(job, 2)
    _wait_for_size(here, "schedule", 1)
    here.server.command("DEL", "{teep:limit:c}:line")
    stage.go.set()
    here.wait_until_processed(1)

    def polled() -> bool:
        Poller(Component.alone(here.config, _fail)).run_once()
        return len(stage.ran) == 2

    wait_until(polled, SOON, "the second one to run")


def test_a_place_that_was_given_some_time_ago_is_asked_for_anew_before_the_job_starts(
    here: Fleet, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=0)
    here.push(stage.job(limit), 1)
    component = Component.alone(here.config, lambda error, _: pytest.fail(repr(error)), "host:1:me")
    admission, unit = Admission(component, tuple), UnitOfWork("default", here.queue()[0])
    assert admission.barred(unit) is None
    # The process stands still for longer than its lease, and another one gets the place.
    here.server.command("ZREM", keys.limit_line("c"), unit.held[0].holder)
    with limit.within_limit():
        assert admission.barred(unit) is None, "it asks no more of Redis than it must"
        monkeypatch.setattr("teep.worker.fetch.unit._FRESH_SECONDS", 0.0)
        assert (barred := admission.barred(unit)) is not None
        assert barred.word.startswith("over the limit c")
        assert not unit.held
    unit = UnitOfWork("default", here.queue()[0])
    assert [admission.barred(unit), admission.barred(unit)] == [None, None]
    assert here.server.command("ZCARD", keys.limit_line("c")) == 1
