"""What jobs did, class by class and minute by minute: what the worker counts, and that it loses and doubles none."""

import asyncio
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import teep
from teep.api import MetricsQuery
from teep.config import Config
from teep.errors import RedisError
from teep.job.definition import find
from teep.runtime.component import Component
from teep.store.statistics import metrics as store
from teep.wire import keys
from teep.wire.scripts.script import load
from teep.worker import Worker
from teep.worker.fetch import tallies
from teep.worker.fetch.tallies import Tallies
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.services.metrics import MetricsWriter
from tests.conftest import ServerFactory
from tests.support import golden
from tests.support.proxy import Proxy
from tests.support.servers import KINDS, Kind
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.tally import Tally, silent

pytestmark = pytest.mark.every_server

_SCRIPT = load("running/add_metrics").sha.encode()
_EXCHANGE = load("running/exchange").sha.encode()


def _totals(config: Config, hours: int = 1) -> dict[str, tuple[float, float]]:
    """Return the runs, and of those the failed ones, of every class."""
    results = MetricsQuery(config=config).top_jobs(hours=hours).job_results
    return {name: (job.totals["p"], job.totals["f"]) for name, job in results.items()}


def _await_totals(fleet: Fleet, **expected: tuple[int, int]) -> None:
    wait_until(lambda: _totals(fleet.config) == expected, SOON, lambda: f"{expected}: {_totals(fleet.config)}")


def _of_tally(count: int) -> dict[str, tuple[int, int]]:
    third = count // 3
    return {"tally": (third, 0), "tally_async": (third, 0), "tally_fail": (third, third)}


def _runs_of(runs: Tallies) -> dict[str, int]:
    """Return how many runs wait to be written, by class."""
    found: Counter[str] = Counter()
    for minute in runs.minutes():
        found.update({name: tally.succeeded for name, tally in runs._minutes[minute].items()})
    return found


@pytest.fixture
def only_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers write at their end alone."""
    monkeypatch.setattr(MetricsWriter, "start", lambda _self: None)


def _define_golden_jobs() -> None:
    """Define the recording's NoopJob, FailJob and SleepJob, whose own names other tests use."""

    @teep.job(name="NoopPyJob")
    def noop() -> None: ...

    @teep.job(name="FailPyJob")
    def fail() -> None:
        raise ValueError("as intended")

    @teep.job(name="SleepPyJob")
    def sleep(seconds: float) -> None:
        time.sleep(seconds)


@pytest.mark.usefixtures("only_at_the_end")
def test_a_worker_leaves_at_its_end_what_sidekiq_left(fleet: Fleet) -> None:
    _define_golden_jobs()
    recorded = golden.load("8.1.7", "26-stats-after-exit")
    began = datetime.now(UTC)
    for klass, args in (*[("NoopPyJob", [])] * 5, ("FailPyJob", []), ("SleepPyJob", [0.05])):
        fleet.push(klass, *args)
    worker = fleet.start(silent(fleet))
    fleet.wait_until_processed(7)
    assert fleet.server.command("KEYS", "j|*") == []
    assert worker.stop()
    minutes = {began, datetime.now(UTC)}  # two where one has ended meanwhile: then the counts are in either
    for name, of in ((keys.metrics_minute, "j|261124|2:30"), (keys.metrics_ten_minutes, "j|261124|2:3")):
        found: Counter[bytes] = Counter()
        for key in {name(minute) for minute in minutes}:
            found.update({field: int(n) for field, n in fleet.server.command("HGETALL", key).items()})
        expected = {field.replace(b"Job|", b"PyJob|"): int(n) for field, n in recorded.hashes[of].items()}
        assert found.keys() == expected.keys()
        assert 50 <= found.pop(b"SleepPyJob|ms") < 5_000
        assert found.items() >= {field: n for field, n in expected.items() if not field.endswith(b"|ms")}.items()
    histograms = {keys.histogram(job, minute) for job in ("NoopPyJob", "SleepPyJob") for minute in minutes}
    assert {key.decode() for key in fleet.server.command("KEYS", "h|*")} <= histograms
    assert fleet.server.command("KEYS", "teep:metrics:*") == []


def test_it_is_written_at_each_beat_and_read_back_with_its_histogram(fleet: Fleet) -> None:
    _define_golden_jobs()
    fleet.start(silent(fleet, heartbeat_interval=0.1))
    for _ in range(3):
        fleet.push("SleepPyJob", 0.15)
    _await_totals(fleet, SleepPyJob=(3, 0))
    job = MetricsQuery(config=fleet.config).for_job("SleepPyJob").job_results["SleepPyJob"]
    assert job.totals["ms"] >= 450
    counts = [sum(slots) for slots in zip(*job.hist.values(), strict=True)]
    assert sum(counts) == sum(counts[6:]) == 3  # none below 150 ms


def test_async_jobs_and_what_a_wrapper_carries_count_by_their_own_names(fleet: Fleet) -> None:
    @teep.job(name="Async")
    async def coroutine() -> None:
        await asyncio.sleep(0.01)

    @teep.job(name="Wrapper")
    def wrapper() -> None: ...

    fleet.push("Async")
    fleet.push("Wrapper", wrapped="Inner")
    fleet.push("Wrapper", wrapped=["odd"])
    fleet.push("Wrapper")
    fleet.start(heartbeat_interval=0.1)
    _await_totals(fleet, Async=(1, 0), Inner=(1, 0), Wrapper=(2, 0))


@pytest.mark.usefixtures("only_at_the_end")
def test_what_did_not_run_or_has_not_ended_counts_nowhere(fleet: Fleet) -> None:
    _define_golden_jobs()

    @teep.job(name="Long")
    async def coroutine() -> None:
        await asyncio.sleep(3600)

    fleet.push_raw(b"no job")
    for klass in ("Unknown", "NoopPyJob", "Long"):
        fleet.push(klass)
    worker = fleet.start(silent(fleet))
    wait_until(lambda: worker._capsules[0].running.busy, SOON, "the long job to run")
    wait_until(lambda: fleet.counters() == (2, 1), SOON, "the others, but the one that is no job, to be counted")
    assert worker.stop(0.1)
    assert len(fleet.queue()) == 1
    assert _totals(fleet.config) == {"NoopPyJob": (1, 0)}


def test_a_cancelled_job_has_run_as_in_sidekiq(fleet: Fleet) -> None:
    @teep.job(name="Cancelled")
    async def coroutine() -> None:
        await asyncio.sleep(3600)

    worker = fleet.start(heartbeat_interval=0.1)
    jid = fleet.push("Cancelled")
    wait_until(lambda: worker._capsules[0].running.busy, SOON, "the job to run")
    fleet.client.cancel(jid)
    _await_totals(fleet, Cancelled=(1, 0))


@pytest.mark.usefixtures("only_at_the_end")
def test_quick_runs_are_added_up_long_before_they_are_written(fleet: Fleet) -> None:
    _define_golden_jobs()
    worker = fleet.start()
    fleet.client.push_bulk({"class": "NoopPyJob", "args": [[]] * 500})
    fleet.wait_until_processed(500)
    waiting = worker._services.of(MetricsWriter)._runs
    wait_until(lambda: not waiting.quick, SOON, lambda: f"{len(waiting.quick)} runs to be added up")
    assert _runs_of(waiting) == {"NoopPyJob": 500}


@pytest.mark.slow("metrics are written once a second")
@pytest.mark.parametrize("script", [_SCRIPT, _EXCHANGE], ids=["metrics", "exchange"])
def test_a_lost_answer_doubles_nothing(fleet: Fleet, script: bytes) -> None:
    tally = Tally()
    with Proxy(fleet.server.port) as proxy:
        worker = fleet.start(silent(fleet, redis_url=proxy.url, heartbeat_interval=0.1))
        for part in range(1, 5):
            # From the fourth on the driver gives up, and the next turn goes on.
            proxy.lose_answer(script, times=part)
            tally.push(fleet, 30, 0.0)
            tally.wait_for_runs(30 * part)
            _await_totals(fleet, **_of_tally(30 * part))
        assert worker.stop()
    assert _totals(fleet.config) == _of_tally(120)


def test_what_a_full_redis_refuses_is_kept(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.runtime.service._OUTAGE_PAUSE", 0.01)
    tally = Tally()
    with Proxy(fleet.server.port) as proxy:
        proxy.refuse(_SCRIPT, "OOM command not allowed when used memory > 'maxmemory'.", times=20)
        worker = fleet.start(silent(fleet, redis_url=proxy.url, heartbeat_interval=0.1))
        tally.push(fleet, 60, 0.01)
        _await_totals(fleet, **_of_tally(60))
        assert worker.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_what_ends_in_an_outage_is_written_after_it(fresh_server: ServerFactory, kind: Kind) -> None:
    server = fresh_server(kind, append_only=True)
    tally = Tally()
    with Fleet(server) as fleet:
        worker = fleet.start(silent(fleet, heartbeat_interval=0.1))
        tally.push(fleet, 3, 0.5)
        wait_until(lambda: tally.running == 3, SOON, "the jobs to run")
        server.kill()
        tally.wait_for_runs(3)
        server.start()
        tally.check(fleet, 3)
        assert worker.stop()
        assert _totals(fleet.config) == _of_tally(3)


def test_a_worker_that_starts_again_goes_on_counting(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(_identity: str) -> None:
        raise RedisError("as if Redis was away")

    monkeypatch.setattr(store, "forget", lost)
    _define_golden_jobs()
    worker = Worker(silent(fleet))
    for round_ in range(1, 3):
        worker.start()
        fleet.push("NoopPyJob")
        fleet.wait_until_processed(round_)
        worker.stop()
        assert _totals(fleet.config) == {"NoopPyJob": (round_, 0)}


def _job(klass: str) -> UnitOfWork:
    return UnitOfWork("default", b'{"class":"%b","args":[]}' % klass.encode())


def test_each_run_is_written_under_the_minute_in_which_it_ended_a_day_late_too(fleet: Fleet) -> None:
    now = datetime.now(UTC)
    ended = iter([(now - timedelta(minutes=minutes)).timestamp() for minutes in range(24 * 60)])
    waiting = Tallies(lambda: next(ended))
    for _ in range(24 * 60):
        waiting.add(_job("A"), 0.1)
    MetricsWriter(Component.alone(fleet.config, _refuse, "me:1:0"), waiting).run_once()
    assert waiting.minutes() == []
    query = MetricsQuery(now, config=fleet.config)
    by_minute = query.top_jobs(minutes=480).job_results["A"].series["p"]
    assert (len(by_minute), set(by_minute.values())) == (480, {1})
    assert query.top_jobs(hours=25).job_results["A"].totals["p"] == 24 * 60


def test_what_nobody_takes_is_bounded_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tallies, "_MOST", 5)
    minutes = iter([1, 1, 2, 2, 3, 3, 4])
    waiting = Tallies(lambda: next(minutes) * 60.0)
    for klass in "ABABAB":
        waiting.add(_job(klass), 0.1)
    assert waiting.minutes() == [2, 3]
    assert _runs_of(waiting) == {"A": 2, "B": 2}
    assert [record.message for record in caplog.records] == [
        "the metrics of the minute 1970-01-01T00:01:00Z are given up: Redis has taken none for too long"
    ]
    teep.job(name="C")(lambda: None)
    waiting.failed(_job("C"))
    assert waiting.minutes() == [2, 3, 4]


def test_quick_runs_of_many_threads_are_counted_without_a_lock() -> None:
    _define_golden_jobs()
    waiting, (definition, other) = Tallies(), (find("NoopPyJob"), find("SleepPyJob"))
    interval = sys.getswitchinterval()

    def run() -> None:
        for _ in range(20_000):
            waiting.quick.append(definition)
            waiting.quick.append(other)

    threads = [threading.Thread(target=run) for _ in range(5)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            waiting.fold()
    finally:
        sys.setswitchinterval(interval)
    waiting.fold()
    assert _runs_of(waiting) == {"NoopPyJob": 100_000, "SleepPyJob": 100_000}


def _refuse(error: BaseException, _service: str) -> None:
    raise error
