"""Each side's data API and Web UI show what the other side wrote."""

import time

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.ruby_side import Ruby, SetName
from tests.interop.runs import release, wait_for_start
from tests.support.servers import Server
from tests.support.waiting import wait_until

ARGS = ["é ☃", 2**70, 1.5, {"a": [None]}]


def test_python_reads_the_queues_that_ruby_wrote(ruby: Ruby, python: teep.Config) -> None:
    jids = [ruby.perform_async("LowEchoJob", number, *ARGS) for number in range(3)]
    ruby.push({"class": "python.Echo", "args": ARGS, "queue": "critical"})
    assert [(queue.name, queue.size()) for queue in teep.Queue.all(config=python)] == [("critical", 1), ("low", 3)]
    low = teep.Queue("low", config=python)
    assert [job.jid for job in low] == list(reversed(jids))
    found = low.find_job(jids[1])
    assert found is not None
    assert (found.args, found.tags, found.klass) == ([1, *ARGS], ["interop"], "LowEchoJob")
    assert 0 <= low.latency() < 60
    assert found.created_at is not None
    assert found.created_at.timestamp() == pytest.approx(time.time(), abs=60)
    assert teep.Stats(config=python).queues == ruby.stats().queues == {"low": 3, "critical": 1}


def test_ruby_reads_the_queues_that_python_wrote(ruby: Ruby, python: teep.Config) -> None:
    jids = teep.Client(python).push_bulk({"class": "python.Echo", "args": [[1, *ARGS], [2]], "queue": "low"})
    assert [(queue.name, queue.size) for queue in ruby.queues()] == [("low", 2)]
    assert [job.jid for job in ruby.jobs("low")] == list(reversed(jids))
    found = ruby.find_job("low", str(jids[0]))
    assert found is not None
    assert found.args == [1, *ARGS]
    assert 0 <= ruby.queues()[0].latency < 60
    assert [job.value for job in ruby.jobs("low")] == [job.raw for job in teep.Queue("low", config=python)]


@pytest.mark.parametrize("name", ["schedule", "retry", "dead"])
def test_both_read_the_sets_alike(ruby: Ruby, python: teep.Config, redis_server: Server, name: SetName) -> None:
    now = time.time()
    teep.Client(python).push_bulk({"class": "python.Echo", "args": [[n, *ARGS] for n in range(3)], "at": now + 60.25})
    ruby.push_bulk({"class": "EchoJob", "args": [[n, *ARGS] for n in range(3)], "at": now + 60.5})
    if name != "schedule":
        redis_server.command("RENAME", "schedule", name)
    sets = {"schedule": teep.ScheduledSet, "retry": teep.RetrySet, "dead": teep.DeadSet}
    mine, theirs = list(sets[name](config=python)), ruby.entries(name)
    assert [(entry.raw, entry.score, entry.jid) for entry in mine] == [
        (entry.value, entry.score, entry.jid) for entry in theirs
    ]
    assert [entry.at.timestamp() for entry in mine] == pytest.approx([entry.at for entry in theirs], abs=1e-3)
    assert len(mine) == 6


@pytest.mark.slow("a Sidekiq and a teep process start, and a poller looks for due jobs")
def test_statistics_add_up(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, python_teep: PythonTeepFactory
) -> None:
    with python_teep():
        teep.Client(python).push_bulk({"class": "python.Echo", "args": [[n] for n in range(5)]})
        teep.Client(python).push({"class": "python.Fragile", "args": [], "retry": 0})
        wait_until(lambda: ruby.stats().processed == 6, 20, "Python's counters")
    sidekiq = ruby_sidekiq()
    ruby.perform_bulk("EchoJob", [[n] for n in range(4)])
    ruby.perform_async("FragileJob")
    wait_until(lambda: teep.Stats(config=python).processed == 11, 20, "Ruby's counters")
    sidekiq.stop()
    stats = teep.Stats(config=python)
    assert (stats.processed, stats.failed, stats.dead_size) == (11, 2, 2)
    assert (ruby.stats().processed, ruby.stats().failed) == (11, 2)
    assert sum(ruby.history(2).processed.values()) == sum(teep.History(2, config=python).processed.values()) == 11
    assert sum(ruby.history(2).failed.values()) == sum(teep.History(2, config=python).failed.values()) == 2


def test_python_sees_rubys_process_at_work(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    sidekiq = ruby_sidekiq(["default", "low"], 3)
    jid = ruby.perform_async("SlowJob", *ARGS)
    wait_for_start(redis_server, jid)
    works = teep.WorkSet(config=python)
    ((process_id, thread_id, work),) = wait_until(lambda: list(works), 15, "a heartbeat that shows the work")
    assert (process_id, work.queue, work.job.args) == (sidekiq.identity, "default", ARGS)
    assert work.run_at.timestamp() == pytest.approx(time.time(), abs=30)
    found = works.find_work(jid)
    assert found is not None
    assert found.thread_id == thread_id
    (process,) = wait_until(
        lambda: [process for process in teep.ProcessSet(config=python) if process.busy], 15, "a busy process"
    )
    assert (process.identity, process.pid, process.busy) == (sidekiq.identity, sidekiq.pid, 1)
    assert (process.concurrency, process.queues) == (3, ["default", "low"])
    assert process.version == (None if ruby.version.startswith("6") else ruby.version)
    assert process.rss > 0
    assert teep.Stats(config=python).workers_size == 1
    process.quiet()
    wait_until(lambda: [p for p in teep.ProcessSet(config=python) if p.stopping], 15, "the process to be quiet")
    release(redis_server, jid)
    process.stop()
    # Not by what Redis says: Sidekiq 6 may beat once more after it has taken itself out.
    wait_until(lambda: sidekiq.has_ended, 15, "the process to stop")


def test_ruby_sees_pythons_process_at_work(
    ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    worker = python_teep(["default", "low"], 3)
    jid = teep.Client(python).push({"class": "python.Slow", "args": ARGS})
    wait_for_start(redis_server, str(jid))
    (work,) = wait_until(ruby.works, 15, "a heartbeat that shows the work")
    assert (work.process_id, work.queue, work.payload["jid"]) == (worker.identity, "default", jid)
    assert work.payload["args"] == ARGS
    assert work.run_at == pytest.approx(time.time(), abs=30)
    (process,) = wait_until(lambda: [p for p in ruby.processes() if p.busy], 15, "a busy process")
    assert (process.identity, process.pid, process.busy) == (worker.identity, worker.pid, 1)
    assert (process.queues, process.concurrency, process.tag) == (["default", "low"], 3, "interop")
    assert (process.labels, process.stopping) == (["python"], False)
    assert process.rss > 0
    assert process.started_at == pytest.approx(time.time(), abs=60)
    assert ruby.stats().workers_size == 1
    ruby.quiet(worker.identity)
    wait_until(lambda: [p for p in ruby.processes() if p.stopping], 15, "the process to be quiet")
    release(redis_server, str(jid))
    ruby.stop(worker.identity)
    wait_until(lambda: ruby.processes() == [], 15, "the process to stop")
    assert worker.wait() == 0


def test_rubys_web_ui_shows_what_python_does(
    ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    worker = python_teep(["default"])
    client = teep.Client(python)
    jid = client.push({"class": "python.Slow", "args": ["<é>"]})
    wait_for_start(redis_server, str(jid))
    client.push({"class": "python.Fail", "args": ["no <ink>"], "backtrace": True, "retry": 5, "tags": ["tagged"]})
    client.push({"class": "python.Fragile", "args": ["gone"], "retry": 0})
    client.push({"class": "python.Later", "args": [1], "at": time.time() + 3600})
    client.push({"class": "python.Waiting", "args": [1], "queue": "low"})
    wait_until(lambda: ruby.entries("dead") and ruby.entries("retry") and ruby.works(), 15, "failures and work")
    shown = {
        "/": ["Processed"],
        "/busy": [worker.identity, "python.Slow", str(jid), "&lt;é&gt;", "interop"],
        "/queues": ["default", "low"],
        "/queues/low": ["python.Waiting"],
        "/retries": ["python.Fail", "no &lt;ink&gt;", "tagged", "ValueError"],
        "/scheduled": ["python.Later"],
        "/morgue": ["python.Fragile"],
        "/stats": ['"processed"'],
    }
    for path, texts in shown.items():
        page = ruby.web_page(path)
        assert page.status == 200, (path, page.body[:500])
        for text in texts:
            assert text in page.body, (path, text)
    failed = next(entry for entry in ruby.entries("retry") if entry.klass == "python.Fail")
    page = ruby.web_page(f"/retries/{failed.score!r}-{failed.jid}")
    assert page.status == 200
    assert "tests/interop/jobs.py" in page.body
    release(redis_server, str(jid))
