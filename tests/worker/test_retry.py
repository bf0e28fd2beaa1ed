"""A job that fails: another try, the dead set, or nothing; and who hears of it."""

import itertools
import time
from queue import SimpleQueue
from typing import Any, Literal

import pytest

import teep
from teep.wire import backtrace, payload
from tests.support import golden
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class Boom(RuntimeError):
    """An error of the user's own."""


def _fail(*_args: Any) -> None:
    raise Boom("boom")


boom = teep.job(name="boom")(_fail)
_numbers = itertools.count()


def _score(fleet: Fleet, key: str = "retry") -> float:
    (raw,) = fleet.members(key)
    return float(fleet.server.command("ZSCORE", key, raw))


def _work_off(fleet: Fleet, runs: int = 1, **options: Any) -> None:
    """Let a worker run what is there, and stop it."""
    before = fleet.counters()[0]
    worker = fleet.start(**options)
    fleet.wait_until_processed(before + runs)
    worker.stop()


def _let_it_be_due(fleet: Fleet) -> None:
    for raw in fleet.members("retry"):
        fleet.server.command("ZADD", "retry", time.time() - 1, raw)


@pytest.mark.parametrize("version", ["8.1.7"])
def test_failures_leave_what_sidekiq_leaves(fleet: Fleet, version: str) -> None:
    before = time.time()
    fleet.push(boom, 1, "x")
    _work_off(fleet)
    for step, count in (("10-fail-1st", 0), ("11-fail-2nd", 1)):
        (recorded,) = golden.load(version, step).payloads
        after = fleet.failed_payload()
        assert list(after) == list(payload.parse(recorded.raw))
        assert after["retry_count"] == count
        assert (after["error_class"], after["error_message"]) == ("tests.worker.test_retry.Boom", "boom")
        assert before <= after["failed_at"] <= time.time()
        if count == 0:
            delay = _score(fleet) - after["failed_at"]
            assert 15 <= delay < 15 + 10
            _let_it_be_due(fleet)
            _work_off(fleet, poll_interval_average=0.05)
    assert after["failed_at"] < after["retried_at"] <= time.time()
    assert 16 <= _score(fleet) - after["retried_at"] < 16 + 20
    assert fleet.counters() == (2, 2)


@pytest.mark.parametrize(("count", "base"), [(0, 15), (1, 16), (2, 31), (10, 10_015), (24, 331_791)])
def test_the_delay_is_sidekiqs_formula(count: int, base: int) -> None:
    delays = [payload.retry_delay(count, None, chance / 1000) for chance in range(1000)]
    assert min(delays) == base
    assert max(delays) == base + 10 * (count + 1) - 1
    assert all(delay == int(delay) for delay in delays)


@pytest.mark.parametrize(
    ("answer", "low", "high"),
    [(100, 100, 110), (0.5, 0.5, 10.5), (None, 15, 25), (0, 15, 25), (-3, 15, 25), (True, 15, 25), ("soon", 15, 25)],
)
def test_retry_in_gives_seconds_and_anything_else_means_the_usual_delay(
    fleet: Fleet, answer: Any, low: float, high: float
) -> None:
    asked: SimpleQueue[tuple[int, str, Any]] = SimpleQueue()

    def retry_in(count: int, error: BaseException, job: dict[str, Any]) -> Any:
        asked.put((count, str(error), job["jid"]))
        return answer

    jid = fleet.push(_failing(retry_in=retry_in))
    _work_off(fleet)
    assert asked.get(timeout=SOON) == (0, "boom", jid)
    assert low <= _score(fleet) - fleet.failed_payload()["failed_at"] < high


def test_retry_in_that_raises_is_reported_and_means_the_usual_delay(fleet: Fleet) -> None:
    def retry_in(count: int, error: BaseException, job: dict[str, Any]) -> float:
        raise SystemExit("retry_in is broken")

    config = fleet.configure()
    reports: SimpleQueue[str] = SimpleQueue()
    config.error_handlers.append(lambda error, context: reports.put(f"{context['context']}: {error}"))
    fleet.push(_failing(retry_in=retry_in))
    fleet.start(config)
    assert 15 <= _score_when_there(fleet) - fleet.failed_payload()["failed_at"] < 25
    assert [reports.get(timeout=SOON) for _ in range(2)] == [
        "job raised: boom",
        "retry_in failed: retry_in is broken",
    ]


@pytest.mark.parametrize(("answer", "dead"), [("kill", 1), ("discard", 0)])
def test_retry_in_may_end_a_job(fleet: Fleet, answer: Literal["kill", "discard"], dead: int) -> None:
    config = fleet.configure()
    deaths = _deaths(config)
    fleet.push(_failing(retry_in=lambda _count, _error, _job: answer))
    fleet.start(config)
    job = deaths.get(timeout=SOON)
    assert ("discarded_at" in job) == (answer == "discard")
    fleet.wait_until_processed(1)
    assert (len(fleet.members("retry")), len(fleet.members("dead"))) == (0, dead)
    assert fleet.counters() == (1, 1)


def test_retry_0_dies_at_the_first_failure(fleet: Fleet) -> None:
    fleet.push(_failing(retry=0))
    _work_off(fleet)
    after = fleet.failed_payload("dead")
    assert after["retry_count"] == 0
    assert fleet.members("retry") == []
    assert _score(fleet, "dead") == pytest.approx(after["failed_at"], abs=0.001)


def test_retry_false_leaves_nothing_but_the_counters_and_the_death(fleet: Fleet) -> None:
    config = fleet.configure()
    deaths = _deaths(config)
    jid = fleet.push(_failing(retry=False))
    fleet.start(config)
    assert deaths.get(timeout=SOON)["jid"] == jid
    fleet.wait_until_processed(1)
    assert fleet.members("retry") == fleet.members("dead") == []
    assert fleet.counters() == (1, 1)


@pytest.mark.parametrize(("fields", "max_retries"), [({"retry": 2}, 25), ({}, 2), ({"retry": "nonsense"}, 2)])
def test_a_job_dies_when_its_retries_are_used_up(fleet: Fleet, fields: dict[str, Any], max_retries: int) -> None:
    options: dict[str, Any] = {"max_retries": max_retries, "poll_interval_average": 0.05}
    fleet.push_raw(payload.serialise({"class": "boom", "args": [], "jid": "a", "queue": "default"} | fields))
    for count in range(2):
        _work_off(fleet, **options)
        assert fleet.failed_payload()["retry_count"] == count
        _let_it_be_due(fleet)
    _work_off(fleet, **options)
    assert fleet.failed_payload("dead")["retry_count"] == 2
    assert fleet.members("retry") == []


@pytest.mark.parametrize(("failed_ago", "target"), [(50.0, "retry"), (70.0, "dead")])
def test_retry_for_replaces_the_count(fleet: Fleet, failed_ago: float, target: str) -> None:
    fleet.push("boom", retry=1, retry_for=60, retry_count=7, failed_at=time.time() - failed_ago)
    _work_off(fleet)
    assert fleet.failed_payload(target)["retry_count"] == 8


def test_dead_false_keeps_an_exhausted_job_out_of_the_dead_set(fleet: Fleet) -> None:
    config = fleet.configure()
    deaths = _deaths(config)
    fleet.push(_failing(retry=0, dead=False))
    fleet.start(config)
    assert "discarded_at" in deaths.get(timeout=SOON)
    fleet.wait_until_processed(1)
    assert fleet.members("retry") == fleet.members("dead") == []


@pytest.mark.parametrize(("answer", "dead", "deaths"), [(None, 1, 1), ("discard", 0, 0)])
def test_retries_exhausted_hears_first_and_may_discard(
    fleet: Fleet, answer: Literal["discard"] | None, dead: int, deaths: int
) -> None:
    heard: SimpleQueue[tuple[str, str]] = SimpleQueue()

    def exhausted(job: dict[str, Any], error: BaseException) -> Literal["discard"] | None:
        heard.put((job["jid"], str(error)))
        return answer

    config = fleet.configure()
    died = _deaths(config)
    jid = fleet.push(_failing(retry=0, retries_exhausted=exhausted))
    fleet.start(config)
    assert heard.get(timeout=SOON) == (jid, "boom")
    fleet.wait_until_processed(1)
    assert (len(fleet.members("dead")), died.qsize()) == (dead, deaths)


def test_retries_exhausted_that_raises_is_reported_and_the_job_dies(fleet: Fleet) -> None:
    def exhausted(job: dict[str, Any], error: BaseException) -> None:
        raise SystemExit("retries_exhausted is broken")

    config = fleet.configure()
    died, reports = _deaths(config), SimpleQueue[str]()
    config.error_handlers.append(lambda error, context: reports.put(f"{context['context']}: {error}"))
    jid = fleet.push(_failing(retry=0, retries_exhausted=exhausted))
    fleet.start(config)
    assert died.get(timeout=SOON)["jid"] == fleet.failed_payload("dead")["jid"] == jid
    assert [reports.get(timeout=SOON) for _ in range(2)] == [
        "job raised: boom",
        "retries_exhausted failed: retries_exhausted is broken",
    ]


def test_each_death_trims_the_dead_set_to_one_less_than_its_limit(fleet: Fleet) -> None:
    now = time.time()
    fleet.server.client.zadd("dead", {f"young {number}": now - 100 + number for number in range(12)})
    fleet.server.client.zadd("dead", {"old": now - 3_601})
    fleet.push(_failing(retry=0))
    _work_off(fleet, dead_max_jobs=10, dead_timeout=3_600.0)
    members = wait_until(lambda: _at_most(fleet.members("dead"), 9), SOON, "the dead set to be trimmed")
    assert members[:-1] == [b"young %d" % number for number in range(4, 12)]
    assert payload.parse(members[-1])["error_class"] == "tests.worker.test_retry.Boom"


def test_retry_queue_is_where_retries_go(fleet: Fleet) -> None:
    fleet.push(_failing(retry_queue="low"))
    _work_off(fleet)
    assert fleet.failed_payload()["queue"] == "low"
    _let_it_be_due(fleet)
    fleet.start(poll_interval_average=0.05)
    wait_until(lambda: fleet.queue("low"), SOON, "the retry in its queue")


@pytest.mark.parametrize(("option", "lines"), [(True, None), (2, 2), (False, 0), ("yes", None)])
def test_a_backtrace_is_stored_as_asked(fleet: Fleet, option: Any, lines: int | None) -> None:
    fleet.push_raw(payload.serialise({"class": "boom", "args": [], "jid": "a", "backtrace": option}))
    _work_off(fleet)
    after = fleet.failed_payload()
    if lines == 0:
        assert "error_backtrace" not in after
        return
    unpacked = backtrace.unpack(after["error_backtrace"])
    assert unpacked[0].startswith(__file__)
    assert "`_fail'" in unpacked[0]
    assert len(unpacked) == lines if lines else len(unpacked) > 2


def test_every_death_handler_and_error_handler_hears_whatever_the_others_do(fleet: Fleet) -> None:
    config = fleet.configure()
    heard: SimpleQueue[str] = SimpleQueue()

    def broken(*_: Any) -> None:
        raise SystemExit("a handler is broken")

    config.error_handlers.append(broken)
    config.error_handlers.append(lambda error, context: heard.put(f"{context['context']}: {error}"))
    config.death_handlers.append(broken)
    config.death_handlers.append(lambda job, error: heard.put(f"death of {job['class']}: {error}"))
    fleet.push("boom", retry=0)
    fleet.start(config)
    assert [heard.get(timeout=SOON) for _ in range(3)] == [
        "job raised: boom",
        "death handler: a handler is broken",
        "death of boom: boom",
    ]
    assert len(wait_until(lambda: fleet.members("dead"), SOON, "the dead job")) == 1


def test_errors_are_logged_beside_the_handlers_unless_the_list_is_emptied(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    heard: SimpleQueue[str] = SimpleQueue()
    config = fleet.configure()
    config.error_handlers.append(lambda error, _context: heard.put(str(error)))
    silent = config.copy()
    silent.error_handlers.pop(0)
    for used in (config, silent):
        fleet.push("boom", retry=False)
        worker = fleet.start(used)
        assert heard.get(timeout=SOON) == "boom"
        worker.stop()
    (logged,) = (record for record in caplog.records if record.exc_info and record.exc_info[0] is Boom)
    assert (logged.levelname, logged.message) == ("ERROR", "job raised")


def _failing(**options: Any) -> Any:
    """Return a job with these options that fails, under a name of its own."""
    return teep.job(name=f"failing-{next(_numbers)}", **options)(_fail)


def _deaths(config: teep.Config) -> "SimpleQueue[dict[str, Any]]":
    deaths: SimpleQueue[dict[str, Any]] = SimpleQueue()
    config.death_handlers.append(lambda job, _error: deaths.put(job))
    return deaths


def _score_when_there(fleet: Fleet) -> float:
    wait_until(lambda: fleet.members("retry"), SOON, "the retry")
    return _score(fleet)


def _at_most(members: list[bytes], count: int) -> list[bytes]:
    return members if len(members) <= count else []
