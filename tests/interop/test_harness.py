"""The harness works: real Sidekiq pushes, runs, shows and repairs, as the other interop tests rely on."""

import os
import time
from typing import get_args

import pytest

from tests.interop.conftest import RubySidekiqFactory
from tests.interop.ruby_side import Ruby, RubyError, SetName
from tests.interop.runs import Run, ran, release, wait_for_runs, wait_for_start
from tests.support import golden
from tests.support.servers import Server
from tests.support.waiting import wait_until

JID = "0123456789abcdef01234567"


def test_ruby_pushes_and_shows_a_job_of_a_class_that_it_does_not_have(ruby: Ruby) -> None:
    args = ["é ☃", 2**70, 1.5, None, [], {}]
    assert ruby.version.startswith(f"{ruby.sidekiq.version}.")
    assert ruby.push({"class": "python.job", "args": args, "queue": "low", "jid": JID, "own": 1}) == JID
    (job,) = ruby.jobs("low")
    assert (job.klass, job.args, job.jid, job.queue, job.item["own"]) == ("python.job", args, JID, "low", 1)
    assert "é ☃".encode() in job.value
    assert job.enqueued_at is not None
    assert 0 <= job.latency < 60
    found = ruby.find_job("low", JID)
    assert found is not None
    assert found.value == job.value
    assert [(queue.name, queue.size) for queue in ruby.queues()] == [("low", 1)]
    assert ruby.stats().queues == {"low": 1}


def test_ruby_pushes_its_own_classes_now_later_and_in_bulk(ruby: Ruby) -> None:
    now = time.time()
    jid = ruby.perform_async("LowEchoJob", 1)
    soon = ruby.perform_in(60, "EchoJob", "soon")
    later = ruby.perform_at(now + 3600, "EchoJob", "later")
    bulk = ruby.perform_bulk("EchoJob", [[1], [2]])
    raw_bulk = ruby.push_bulk({"class": "python.job", "args": [[3], [4]]})
    (low,) = ruby.jobs("low")
    assert (low.jid, low.tags, low.item["retry"]) == (jid, ["interop"], 3)
    assert [job.jid for job in reversed(ruby.jobs())] == bulk + raw_bulk
    assert [entry.jid for entry in ruby.entries("schedule")] == [later, soon]
    assert ruby.entries("schedule")[0].score == pytest.approx(now + 3600, abs=0.01)


def test_what_ruby_raises_is_raised_here_and_ends_nothing(ruby: Ruby) -> None:
    with pytest.raises(RubyError, match=r"ArgumentError: .*args"):
        ruby.push({"class": "python.job", "args": "no list"})
    with pytest.raises(RubyError, match="KeyError: no job"):
        ruby.kill("retry", JID)
    assert ruby.stats().enqueued == 0


@pytest.mark.sidekiq("8.1")  # what every other test starts with each of them
@pytest.mark.slow("a Sidekiq process starts, and its poller looks for due jobs")
def test_sidekiq_runs_what_ruby_pushed(ruby: Ruby, ruby_sidekiq: RubySidekiqFactory, redis_server: Server) -> None:
    sidekiq = ruby_sidekiq(["default", "low"], 2)
    (process,) = ruby.processes()
    assert (process.identity, process.pid) == (sidekiq.identity, sidekiq.pid)
    assert (process.queues, process.concurrency, process.stopping) == (["default", "low"], 2, False)
    low = ruby.perform_async("LowEchoJob", "é", {"a": [1]})
    soon = ruby.perform_in(0.2, "EchoJob")
    flaky = ruby.perform_async("FlakyJob", 7)
    wait_until(lambda: ruby.entries("retry"), 15, "the first failure")
    ruby.reschedule("retry", flaky, time.time())
    runs = wait_for_runs(redis_server, 3)
    assert sorted(runs, key=lambda run: run.klass) == [
        Run("EchoJob", soon, []),
        Run("FlakyJob", flaky, [7]),
        Run("LowEchoJob", low, ["é", {"a": [1]}]),
    ]
    sidekiq.stop()
    assert (ruby.stats().processed, ruby.stats().failed) == (4, 1)
    assert ruby.history(1).processed == {time.strftime("%Y-%m-%d", time.gmtime()): 4}


def test_a_failing_job_retries_and_dies(ruby: Ruby, ruby_sidekiq: RubySidekiqFactory) -> None:
    failing = ruby.perform_async("FailJob", "out of paper")
    fragile = ruby.perform_async("FragileJob")
    ruby_sidekiq()
    wait_until(lambda: ruby.entries("retry") and ruby.entries("dead"), 15, "a retry and a death")
    (retry,) = ruby.entries("retry")
    (dead,) = ruby.entries("dead")
    assert (retry.jid, retry.error_class, retry.error_message) == (failing, "ArgumentError", "out of paper")
    assert retry.error_backtrace is not None
    assert "jobs.rb" in retry.error_backtrace[0]
    assert (retry.retry_count, dead.jid, dead.retry_count) == (0, fragile, 0)


@pytest.mark.sidekiq("8.1")
@pytest.mark.slow("a Sidekiq process beats every few seconds")
def test_a_slow_job_is_seen_at_work_and_goes_on_while_its_process_is_quiet(
    ruby: Ruby, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    sidekiq = ruby_sidekiq()
    jid = ruby.perform_async("SlowJob", "slow")
    wait_for_start(redis_server, jid)
    (work,) = wait_until(ruby.works, 15, "a heartbeat that shows the work")
    assert (work.process_id, work.queue, work.payload["jid"]) == (sidekiq.identity, "default", jid)
    ruby.quiet(sidekiq.identity)
    wait_until(lambda: ruby.processes()[0].stopping, 15, "the process to be quiet")
    assert ran(redis_server) == []
    release(redis_server, jid)
    assert wait_for_runs(redis_server) == [Run("SlowJob", jid, ["slow"])]
    ruby.stop(sidekiq.identity)
    # A last heartbeat may come after it has said good-bye, and lives for a minute.
    wait_until(lambda: ruby.processes() == [], 90, "the process to stop")


def test_a_killed_sidekiq_is_gone(ruby: Ruby, ruby_sidekiq: RubySidekiqFactory) -> None:
    sidekiq = ruby_sidekiq()
    sidekiq.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(sidekiq.pid, 0)


def test_each_repair(ruby: Ruby, redis_server: Server) -> None:
    jids = ruby.push_bulk({"class": "python.job", "args": [[n] for n in range(6)], "at": time.time() + 60})
    redis_server.command("RENAME", "schedule", "retry")
    ruby.delete("retry", jids[0])
    ruby.kill("retry", jids[1])
    ruby.add_to_queue("retry", jids[2])
    ruby.retry("retry", jids[3])
    ruby.reschedule("retry", jids[4], 2e9)
    assert (ruby.entries("retry")[0].jid, ruby.entries("retry")[0].score) == (jids[4], 2e9)
    assert [entry.jid for entry in ruby.scan("retry", jids[5])] == [jids[5]]
    assert [job.jid for job in ruby.jobs()] == [jids[3], jids[2]]
    assert ruby.delete_job("default", jids[2])
    assert not ruby.delete_job("default", jids[2])
    ruby.kill_all()
    assert {entry.jid for entry in ruby.entries("dead")} == {jids[1], jids[4], jids[5]}
    ruby.retry_all("dead")
    assert {job.jid for job in ruby.jobs()} == {jids[1], jids[3], jids[4], jids[5]}
    ruby.clear_queue("default")
    ruby.clear("dead")
    assert (ruby.stats().enqueued, ruby.stats().dead_size) == (0, 0)


@pytest.mark.parametrize(("version", "step"), golden.all_steps())
def test_recordings_are_read_by_ruby(ruby: Ruby, redis_server: Server, version: str, step: str) -> None:
    recording = golden.load(version, step)
    golden.restore(redis_server, recording)
    shown = {f"queue:{queue.name}": [job.value for job in ruby.jobs(queue.name)] for queue in ruby.queues()}
    for name in get_args(SetName):
        shown[name] = [entry.value for entry in reversed(ruby.entries(name))]
        assert {entry.value: entry.score for entry in ruby.entries(name)} == recording.zsets.get(name, {})
    for key in {payload.key for payload in recording.payloads}:
        assert shown[key] == [payload.raw for payload in recording.payloads if payload.key == key]
    identities = {name.encode() for name in recording.hashes}
    assert {process.identity.encode() for process in ruby.processes()} == (
        recording.sets.get("processes", set()) & identities
    )
    assert ruby.stats().processed == int(recording.strings.get("stat:processed", b"0"))
