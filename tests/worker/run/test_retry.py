"""A job that fails: another try, the dead set, or nothing; and who hears of it."""

import itertools
import math
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from queue import SimpleQueue
from typing import Any, Literal

import pytest

import teep
from teep.wire import payload, retries
from teep.wire.fields import backtrace
from tests.support import golden
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server


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
        # Unlike Sidekiq, teep stores some of the backtrace unasked.
        assert [name for name in after if name != "error_backtrace"] == list(payload.parse(recorded.raw))
        assert after["retry_count"] == count
        assert (after["error_class"], after["error_message"]) == ("tests.worker.run.test_retry.Boom", "boom")
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
    delays = [retries.delay(count, None, chance / 1000) for chance in range(1000)]
    assert min(delays) == base
    assert max(delays) == base + 10 * (count + 1) - 1
    assert all(delay == int(delay) for delay in delays)


@pytest.mark.parametrize(
    ("answer", "low", "high"),
    [
        (100, 100, 110),
        (0.5, 0.5, 10.5),
        (timedelta(hours=2), 7_200, 7_210),
        ("200", 200, 210),
        (Decimal("200.5"), 200.5, 210.5),
        (Fraction(401, 2), 200.5, 210.5),
        (None, 15, 25),
        (0, 15, 25),
        (False, 15, 25),
        (timedelta(0), 15, 25),
    ],
)
def test_retry_in_gives_seconds_or_the_usual_delay(fleet: Fleet, answer: Any, low: float, high: float) -> None:
    asked: SimpleQueue[tuple[int, str, Any]] = SimpleQueue()

    def retry_in(count: int, error: BaseException, job: dict[str, Any]) -> Any:
        asked.put((count, str(error), job["jid"]))
        return answer

    config, reports = _reporting(fleet)
    jid = fleet.push(_failing(retry_in=retry_in))
    fleet.start(config)
    assert asked.get(timeout=SOON) == (0, "boom", jid)
    assert low <= _score_when_there(fleet) - fleet.failed_payload()["failed_at"] < high
    assert reports.get(timeout=SOON) == "job raised: boom"
    assert reports.empty()


class _Wordless:
    """An answer whose own code fails."""

    def __repr__(self) -> str:
        raise SystemExit

    def __float__(self) -> float:
        raise TypeError


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (-3, "-3"),
        (True, "True"),
        ("soon", "'soon'"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (10**400, "1000000"),
        (timedelta(days=-1), "datetime.timedelta(days=-1)"),
        (datetime(2030, 1, 1, tzinfo=UTC), "datetime.date"),
        ([5], "[5]"),
        (_Wordless(), "an object of _Wordless"),
    ],
)
def test_what_retry_in_may_not_answer_is_reported_and_means_the_usual_delay(
    valkey_fleet: Fleet, answer: Any, shown: str
) -> None:
    config, reports = _reporting(valkey_fleet)
    valkey_fleet.push(_failing(retry_in=lambda _count, _error, _job: answer))
    valkey_fleet.start(config)
    assert 15 <= _score_when_there(valkey_fleet) - valkey_fleet.failed_payload()["failed_at"] < 25
    assert reports.get(timeout=SOON) == "job raised: boom"
    sentence = reports.get(timeout=SOON)
    assert sentence.startswith(f"retry_in failed: retry_in answered {shown}")
    assert sentence.endswith("which is taken now")


def test_retry_in_is_not_asked_when_no_retry_is_left(valkey_fleet: Fleet) -> None:
    valkey_fleet.push(_failing(retry=0, retry_in=lambda _count, _error, _job: "discard"))
    _work_off(valkey_fleet)
    assert len(valkey_fleet.members("dead")) == 1


def test_retry_in_that_raises_is_reported_and_means_the_usual_delay(fleet: Fleet) -> None:
    def retry_in(count: int, error: BaseException, job: dict[str, Any]) -> float:
        raise SystemExit("retry_in is broken")

    config, reports = _reporting(fleet)
    fleet.push(_failing(retry_in=retry_in))
    fleet.start(config)
    assert 15 <= _score_when_there(fleet) - fleet.failed_payload()["failed_at"] < 25
    assert [reports.get(timeout=SOON) for _ in range(2)] == [
        "job raised: boom",
        "retry_in failed: retry_in is broken",
    ]


@pytest.mark.parametrize(("answer", "dead"), [("kill", 1), ("Kill", 1), ("discard", 0)])
def test_retry_in_may_end_a_job(fleet: Fleet, answer: Any, dead: int) -> None:
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


@pytest.mark.parametrize(("answer", "dead"), [(None, 1), ("discard", 0)])
def test_retries_exhausted_hears_first_and_may_discard(
    fleet: Fleet, answer: Literal["discard"] | None, dead: int
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
    assert ("discarded_at" in died.get(timeout=SOON)) == (answer == "discard")
    fleet.wait_until_processed(1)
    assert len(fleet.members("dead")) == dead


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
    assert payload.parse(members[-1])["error_class"] == "tests.worker.run.test_retry.Boom"


def test_retry_queue_is_where_retries_go(fleet: Fleet) -> None:
    fleet.push(_failing(retry_queue="low"))
    _work_off(fleet)
    assert fleet.failed_payload()["queue"] == "low"
    _let_it_be_due(fleet)
    fleet.start(poll_interval_average=0.05)
    wait_until(lambda: fleet.queue("low"), SOON, "the retry in its queue")


def _deep(_depth: int) -> None:
    if _depth:
        _deep(_depth - 1)
    raise Boom("boom")


teep.job(name="deep")(_deep)


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({}, 20),
        ({"backtrace": None}, 20),
        ({"backtrace": True}, 31),
        ({"backtrace": 2}, 2),
        ({"backtrace": False}, 0),
        ({"backtrace": 0}, 0),
        ({"backtrace": "yes"}, 31),
        ({"backtrace": -30}, 1),
    ],
)
def test_a_backtrace_is_stored_as_asked_without_teeps_frames(
    fleet: Fleet, fields: dict[str, Any], lines: int
) -> None:
    fleet.push_raw(payload.serialise({"class": "deep", "args": [30], "jid": "a", **fields}))
    _work_off(fleet)
    after = fleet.failed_payload()
    assert after.get("backtrace") == fields.get("backtrace")
    assert ("backtrace" in after) == ("backtrace" in fields)
    # Sidekiq writes a list of none where 0 lines are asked for.
    assert ("error_backtrace" in after) == (fields.get("backtrace") is not False)
    found = backtrace.unpack(after["error_backtrace"]) if "error_backtrace" in after else []
    assert len(found) == lines
    assert all(line.startswith(__file__) and "`_deep'" in line for line in found)


def test_where_the_payload_says_nothing_of_backtraces_the_code_and_the_defaults_do(valkey_fleet: Fleet) -> None:
    teep.job(name="without", backtrace=False)(_fail)
    for name in ("without", "boom"):
        valkey_fleet.push_raw(payload.serialise({"class": name, "args": [], "jid": name}))
    _work_off(valkey_fleet, 2, job_defaults={"backtrace": False})
    assert all(b"backtrace" not in raw for raw in valkey_fleet.members("retry"))


def test_another_cleaner_decides_what_is_stored_and_logged(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    valkey_fleet.push("boom")
    _work_off(valkey_fleet, backtrace_cleaner=lambda lines: lines)
    found = backtrace.unpack(valkey_fleet.failed_payload()["error_backtrace"])
    assert "`_fail'" in found[0]
    assert any("/teep/worker/run/processor.py" in line for line in found)
    assert "/teep/worker/run/processor.py" in caplog.text


@pytest.mark.parametrize("cleaned", [None, 5, [object()]])
def test_a_cleaner_that_fails_is_reported_and_teeps_own_holds(valkey_fleet: Fleet, cleaned: Any) -> None:
    config, reports = _reporting(valkey_fleet, backtrace_cleaner=lambda _lines: cleaned)
    valkey_fleet.push("boom")
    valkey_fleet.start(config)
    lines = backtrace.unpack(valkey_fleet.failed_payload()["error_backtrace"])
    assert reports.get(timeout=SOON) == "job raised: boom"
    if isinstance(cleaned, list):
        assert lines == [str(cleaned[0])]
    else:
        assert "`_fail'" in lines[0]
        assert reports.get(timeout=SOON).startswith("backtrace_cleaner failed: ")


@pytest.mark.parametrize(
    ("fields", "queue"),
    [({}, "default"), ({"queue": "other"}, "default"), ({"queue": "other", "retry_queue": "low"}, "low")],
)
@pytest.mark.parametrize("retry", [5, 0])
def test_a_retry_or_burial_carries_the_queue_that_its_job_was_taken_from(
    valkey_fleet: Fleet, fields: dict[str, Any], queue: str, retry: int
) -> None:
    valkey_fleet.push_raw(payload.serialise({"class": "boom", "args": [], "jid": "a", "retry": retry, **fields}))
    _work_off(valkey_fleet)
    assert valkey_fleet.failed_payload("retry" if retry else "dead")["queue"] == queue


@pytest.mark.parametrize("fields", [{}, {"retry": None}])
@pytest.mark.parametrize(
    ("own", "defaults", "target", "carried"),
    [
        ({"retry": False}, {}, None, None),
        ({"retry": 0}, {}, "dead", 0),
        ({"retry": 3}, {"retry": 0}, "retry", 3),
        ({}, {"retry": 0}, "dead", 0),
        ({}, {}, "retry", True),
    ],
)
def test_a_payload_without_retry_takes_the_one_of_its_code_and_carries_it(
    valkey_fleet: Fleet,
    fields: dict[str, Any],
    own: dict[str, Any],
    defaults: dict[str, Any],
    target: str | None,
    carried: Any,
) -> None:
    teep.job(name=(name := f"failing-{next(_numbers)}"), **own)(_fail)
    valkey_fleet.push_raw(payload.serialise({"class": name, "args": [], "jid": "a", **fields}))
    _work_off(valkey_fleet, job_defaults=defaults)
    assert valkey_fleet.counters() == (1, 1)
    for key in ("retry", "dead"):
        assert [payload.parse(raw)["retry"] for raw in valkey_fleet.members(key)] == [carried] * (key == target)


def test_death_handlers_get_a_job_that_is_never_retried_as_it_is_stored(valkey_fleet: Fleet) -> None:
    deaths = _deaths(config := valkey_fleet.configure())
    teep.job(name=(name := f"failing-{next(_numbers)}"), retry=False)(_fail)
    pushed = {"class": name, "args": [], "jid": "a"}
    valkey_fleet.push_raw(payload.serialise(pushed))
    valkey_fleet.start(config)
    assert deaths.get(timeout=SOON) == pushed


@pytest.mark.parametrize(("wrapped", "target"), [("", "retry"), (5, "retry"), ("unknown", "retry"), (None, "gone")])
def test_the_code_of_a_wrapped_job_says_how_its_wrapper_ends(valkey_fleet: Fleet, wrapped: Any, target: str) -> None:
    """As in Sidekiq: `retry_in` of the wrapper itself counts only where nothing is wrapped."""
    teep.job(name=(wrapper := f"failing-{next(_numbers)}"), retry_in=lambda *_: "discard")(_fail)
    valkey_fleet.push_raw(payload.serialise({"class": wrapper, "args": [], "jid": "a", "wrapped": wrapped}))
    teep.job(name=(inner := f"failing-{next(_numbers)}"), retry_in=lambda *_: "kill")(_fail)
    valkey_fleet.push_raw(payload.serialise({"class": wrapper, "args": [], "jid": "b", "wrapped": inner}))
    _work_off(valkey_fleet, 2)
    assert [payload.parse(raw)["jid"] for raw in valkey_fleet.members("retry")] == ["a"] * (target == "retry")
    assert [payload.parse(raw)["jid"] for raw in valkey_fleet.members("dead")] == ["b"]


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


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, r"failed \(try 1 of 26\): tests.worker.run.test_retry.Boom: boom; again in (1[5-9]|2[0-4]) s"),
        ({"retry": 3, "retry_count": 1}, r"failed \(try 3 of 4\): .*: boom; again in \d+ s"),
        ({"retry_for": 60}, r"failed \(try 1\): .*: boom; again in \d+ s"),
        ({"retry": 0}, r"failed \(try 1 of 1\): .*: boom; goes to the dead set"),
        ({"retry": False}, r"failed \(try 1 of 1\): .*: boom; discarded"),
        ({"retry": 0, "dead": False}, r"failed \(try 1 of 1\): .*: boom; discarded"),
    ],
)
def test_a_failure_is_one_record_with_what_comes_of_it(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture, fields: dict[str, Any], told: str
) -> None:
    caplog.set_level("INFO")
    jid = valkey_fleet.push("boom", **fields)
    _work_off(valkey_fleet)
    start, failed = (record for record in caplog.records if record.name == "teep.job")
    assert (start.message, failed.levelname) == ("start", "ERROR")
    assert re.fullmatch(told, failed.message)
    assert failed.exc_info is not None
    assert failed.exc_info[0] is Boom
    context = failed.__dict__["teep"]
    assert (context["class"], context["jid"]) == ("boom", jid)
    assert 0 <= context["elapsed"] < SOON
    assert failed.exc_text is not None
    assert failed.exc_text.count("File ") == 1
    assert f'File "{__file__}"' in failed.exc_text


@pytest.mark.parametrize("skips", [False, True])
def test_without_the_handler_that_logs_a_failure_is_a_line_like_others(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture, *, skips: bool
) -> None:
    caplog.set_level("INFO")
    config, reports = _reporting(valkey_fleet, skip_default_job_logging=skips)
    config.error_handlers.pop(0)
    valkey_fleet.push("boom", retry=False)
    worker = valkey_fleet.start(config)
    assert reports.get(timeout=SOON) == "job raised: boom"
    worker.stop()
    lines = [(record.levelname, record.message) for record in caplog.records if record.name == "teep.job"]
    expected = [("INFO", "start"), ("INFO", "failed (try 1 of 1): tests.worker.run.test_retry.Boom: boom; discarded")]
    assert lines == ([] if skips else expected)
    assert not any(record.exc_info for record in caplog.records)


def _reporting(fleet: Fleet, **options: Any) -> "tuple[teep.Config, SimpleQueue[str]]":
    """Return a configuration, and what its error handlers get to hear."""
    config = fleet.configure(**options)
    reports: SimpleQueue[str] = SimpleQueue()
    config.error_handlers.append(lambda error, context: reports.put(f"{context['context']}: {error}"))
    return config, reports


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
