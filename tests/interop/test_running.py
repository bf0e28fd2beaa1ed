"""Jobs cross over: pushed by one side, run by the other, and retried there."""

import time
from typing import Any

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.jobs import async_echo, echo, named
from tests.interop.ruby_side import Ruby
from tests.interop.runs import Run, ran, wait_for_runs
from tests.support.servers import Server
from tests.support.waiting import wait_until

ARGS: list[Any] = [
    'é ☃ \U0001f680 </b> " \\ / \u2028 \n',
    2**70,
    -(10**25),
    [0.1, 1.5, -0.0, 123456789.123, 1e-3],
    {"a": {"b": [{"ü": None}, [], {}, True]}},
    "",
    None,
    False,
]


@pytest.fixture
def retries(python: teep.Config) -> teep.RetrySet:
    return teep.RetrySet(config=python)


def client(python: teep.Config) -> teep.Client:
    return teep.Client(python)


def seconds(at: float) -> float:
    """A time of a payload: Sidekiq 8 writes milliseconds, as an integer."""
    return at / 1000 if isinstance(at, int) else at


def test_ruby_pushes_and_python_runs(ruby: Ruby, python_teep: PythonTeepFactory, redis_server: Server) -> None:
    plain = ruby.push({"class": "python.Echo", "args": ARGS})
    low = ruby.push({"class": "python.AsyncEcho", "args": ARGS, "queue": "low"})
    some = ruby.push({"class": "python.Named", "args": [1]})
    soon = ruby.push({"class": "python.Echo", "args": ["soon"], "at": time.time() + 0.3})
    bulk = ruby.push_bulk({"class": "python.Echo", "args": [[number] for number in range(20)]})
    python_teep(["default", "low"])
    runs = {run.jid: run for run in wait_for_runs(redis_server, 24, 30)}
    assert plain is not None
    assert low is not None
    assert runs[plain] == Run("python.Echo", plain, ARGS)
    assert runs[low] == Run("python.AsyncEcho", low, ARGS)
    assert runs[str(some)].args == [1, 2, "en"]
    assert runs[str(soon)].args == ["soon"]
    assert [runs[jid].args for jid in bulk] == [[number] for number in range(20)]
    assert ruby.stats().enqueued == ruby.stats().retry_size == 0


def test_python_pushes_and_ruby_runs(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    push = client(python)
    plain = push.push({"class": "EchoJob", "args": ARGS})
    low = push.push({"class": "LowEchoJob", "args": ARGS, "queue": "low"})
    soon = push.push({"class": "EchoJob", "args": ["soon"], "at": time.time() + 0.3})
    bulk = push.push_bulk({"class": "EchoJob", "args": [[number] for number in range(20)]})
    ruby_sidekiq(["default", "low"])
    runs = {run.jid: run for run in wait_for_runs(redis_server, 23, 30)}
    assert runs[str(plain)].args == ARGS
    assert runs[str(low)] == Run("LowEchoJob", str(low), ARGS)
    assert runs[str(soon)].args == ["soon"]
    assert [runs[str(jid)].args for jid in bulk] == [[number] for number in range(20)]


@pytest.mark.slow("Sidekiq polls its retries every few seconds")
def test_a_job_that_failed_in_ruby_is_retried_in_python(
    ruby: Ruby,
    retries: teep.RetrySet,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    jid = ruby.perform_async("FailJob", "é ☃")
    sidekiq = ruby_sidekiq()
    (entry,) = wait_until(lambda: list(retries), 15, "the failure in Ruby")
    sidekiq.stop()
    assert entry.jid == jid
    assert (entry.error_class, entry.error_message, entry.retry_count) == ("ArgumentError", "é ☃", 0)
    assert entry.error_backtrace is not None
    assert "jobs.rb" in entry.error_backtrace[0]
    python_teep()
    assert entry.reschedule(time.time())
    assert wait_for_runs(redis_server) == [Run("FailJob", jid, ["é ☃"])]
    assert retries.size() == 0


@pytest.mark.slow("Sidekiq polls its retries every few seconds")
def test_a_job_that_failed_in_python_is_retried_in_ruby(
    ruby: Ruby,
    python: teep.Config,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    jid = client(python).push({"class": "EchoJob", "args": ARGS, "backtrace": True, "tags": ["é"], "retry": 3})
    teep_worker = python_teep()
    (entry,) = wait_until(lambda: ruby.entries("retry"), 15, "the failure in Python")
    teep_worker.stop()
    assert (entry.jid, entry.error_class, entry.error_message) == (jid, "ValueError", "Python cannot do this one")
    assert (entry.retry_count, entry.tags, entry.args) == (0, ["é"], ARGS)
    assert entry.error_backtrace is not None
    assert "tests/interop/jobs.py" in entry.error_backtrace[0]
    assert entry.item["failed_at"] <= time.time()
    ruby_sidekiq()
    ruby.reschedule("retry", str(jid), time.time())
    assert wait_for_runs(redis_server) == [Run("EchoJob", str(jid), ARGS)]
    assert ruby.stats().retry_size == 0


@pytest.mark.slow("a Sidekiq and a teep process start, and each polls its retries")
def test_each_failure_counts_on_whichever_side(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, python_teep: PythonTeepFactory
) -> None:
    """`retry: 1`: the first failure in Python, the second and last one in Ruby, where the job dies."""
    jid = client(python).push({"class": "python.Fail", "args": ["first"], "retry": 1})
    with python_teep():
        wait_until(lambda: ruby.entries("retry"), 15, "the failure in Python")
    ruby_sidekiq()
    ruby.reschedule("retry", str(jid), time.time())
    (dead,) = wait_until(lambda: ruby.entries("dead"), 15, "the death in Ruby")
    assert (dead.jid, dead.retry_count, dead.error_class) == (jid, 1, "NameError")
    assert ruby.stats().retry_size == 0


@pytest.mark.slow("Sidekiq polls its retries every few seconds")
def test_pythons_failure_adds_to_rubys(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, python_teep: PythonTeepFactory
) -> None:
    jid = ruby.push({"class": "python.Fail", "args": ["second"], "retry": 5})
    sidekiq = ruby_sidekiq()
    (first,) = wait_until(lambda: ruby.entries("retry"), 15, "the failure in Ruby")
    sidekiq.stop()
    assert (first.retry_count, first.error_class) == (0, "NameError")
    python_teep()
    ruby.reschedule("retry", str(jid), time.time())
    (second,) = wait_until(lambda: [e for e in ruby.entries("retry") if e.retry_count], 15, "the failure in Python")
    assert (second.jid, second.retry_count, second.error_class) == (jid, 1, "ValueError")
    assert second.item["failed_at"] == first.item["failed_at"]
    assert seconds(first.item["failed_at"]) < seconds(second.item["retried_at"]) <= time.time()


@pytest.mark.slow("a Sidekiq and a teep process start")
def test_both_work_the_same_queues_at_once(
    ruby: Ruby,
    python: teep.Config,
    retries: teep.RetrySet,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    """Each knows only its own classes: what the wrong side takes goes the retry road until the right one has it."""
    ruby_sidekiq(["default", "low"])
    python_teep(["default", "low"])
    push = client(python)
    jids = {
        *push.push_bulk({"class": "python.Echo", "args": [[number] for number in range(40)]}),
        *push.push_bulk({"class": "LowEchoJob", "args": [[number] for number in range(40)], "queue": "low"}),
        *ruby.push_bulk({"class": "python.AsyncEcho", "args": [[number] for number in range(40)], "queue": "low"}),
        *ruby.perform_bulk("LowEchoJob", [[number] for number in range(40)]),
    }
    errors: set[str | None] = set()

    def all_ran() -> bool:
        errors.update(entry.error_class for entry in retries)
        retries.retry_all()
        return len(ran(redis_server)) >= 160

    wait_until(all_ran, 60, lambda: f"160 runs; so far {len(ran(redis_server))}")
    runs = ran(redis_server)
    assert len(runs) == 160
    assert {run.jid for run in runs} == jids
    assert errors <= {"NameError", "teep.errors.UnknownJob"}
    assert errors
    wait_until(lambda: ruby.stats().processed - ruby.stats().failed == 160, 15, "both sides' counters")
    assert ruby.stats().dead_size == 0


def test_jobs_of_the_decorator_reach_ruby_as_they_are(ruby: Ruby, python: teep.Config) -> None:
    push = client(python)
    push.enqueue(echo, *ARGS)
    push.enqueue(named, 1, locale="é")
    push.enqueue(async_echo, 1)
    named_job, echoed = ruby.jobs()
    (low,) = ruby.jobs("low")
    assert (echoed.klass, echoed.args, echoed.display_args) == ("python.Echo", ARGS, ARGS)
    assert (named_job.args, named_job.item["kwargs"]) == ([1], {"locale": "é"})
    assert (low.tags, low.item["retry"]) == (["interop"], 3)
    assert 0 <= low.latency < 60
    assert low.created_at == pytest.approx(time.time(), abs=60)
