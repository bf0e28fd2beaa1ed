"""Each side repairs jobs that the other wrote; exactly one job is left each time."""

import time
from typing import Any

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.ruby_side import Ruby, SetName
from tests.support.servers import Server
from tests.support.waiting import wait_until

# Floats with an exponent are left out: Ruby's json gems differ in how they write them.
ARGS = ['é ☃ \U0001f680 \u2028 " \\ / \x7f \x00 \n', 2**70, -0.0, 0.1, 123456789.125, {"ü": [None, {}, [], True]}]
SETS: list[SetName] = ["schedule", "retry", "dead"]
API: dict[str, Any] = {"schedule": teep.ScheduledSet, "retry": teep.RetrySet, "dead": teep.DeadSet}


def everywhere(ruby: Ruby, jid: str) -> list[str]:
    """Every place where a job is, once for each time that it is there."""
    places = [name for name in SETS for entry in ruby.entries(name) if entry.jid == jid]
    return places + [queue.name for queue in ruby.queues() for job in ruby.jobs(queue.name) if job.jid == jid]


@pytest.fixture
def failed_in_python(ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory) -> dict[str, str]:
    """The jid for each verb of a job that teep wrote, ran, and put into the retry set with all a failure leaves."""
    fields: dict[str, Any] = {
        "retry": 7,
        "backtrace": True,
        "tags": ["é", "b"],
        "retry_queue": "low",
        "kwargs": {"locale": "é"},
        "own": {"x": [1.5]},
    }
    jids = teep.Client(python).push_bulk({"class": "python.Fail", "args": [ARGS] * len(_REPAIRS)} | fields)
    with python_teep():
        wait_until(lambda: len(ruby.entries("retry")) == len(_REPAIRS), 15, "the failures in Python")
    return dict(zip(_REPAIRS, map(str, jids), strict=True))


@pytest.fixture
def failed_in_ruby(ruby: Ruby, ruby_sidekiq: RubySidekiqFactory) -> dict[str, str]:
    """The same, of jobs that Ruby wrote and ran."""
    fields: dict[str, Any] = {"backtrace": True, "tags": ["é"], "retry_queue": "low", "own": {}}
    jids = ruby.push_bulk({"class": "FailJob", "args": [["é ☃ \u2028"]] * len(_REPAIRS)} | fields)
    sidekiq = ruby_sidekiq()
    wait_until(lambda: len(ruby.entries("retry")) == len(_REPAIRS), 15, "the failures in Ruby")
    sidekiq.stop()
    return dict(zip(_REPAIRS, jids, strict=True))


# Where each verb leaves a job of the retry set, and its retry_count there.
_REPAIRS: dict[str, tuple[str | None, int]] = {
    "reschedule": ("retry", 0),
    "retry": ("low", -1),
    "add_to_queue": ("low", 0),
    "kill": ("dead", 0),
    "delete": (None, 0),
}


def test_ruby_repairs_what_failed_in_python(
    ruby: Ruby, python: teep.Config, failed_in_python: dict[str, str]
) -> None:
    before = {entry.jid: entry for entry in ruby.entries("retry")}
    for verb, jid in failed_in_python.items():
        getattr(ruby, verb)("retry", jid, *((2e9,) if verb == "reschedule" else ()))
    for verb, jid in failed_in_python.items():
        place, count = _REPAIRS[verb]
        assert everywhere(ruby, jid) == ([place] if place else []), verb
        if place is None:
            continue
        holder: Any = API[place](config=python) if place in API else teep.Queue(place, config=python)
        found = holder.find_job(jid)
        assert (found.args, found["own"], found["kwargs"]) == (ARGS, {"x": [1.5]}, {"locale": "é"})
        assert (found.retry_count, found.tags, found.queue) == (count, ["é", "b"], "low"), verb
        assert found.error_backtrace == before[jid].error_backtrace
        if place in API:
            assert found.raw == before[jid].value
            assert found.score == (2e9 if verb == "reschedule" else pytest.approx(time.time(), abs=30))


@pytest.mark.slow("a Sidekiq process starts, and is asked to stop")
def test_python_repairs_what_failed_in_ruby(ruby: Ruby, python: teep.Config, failed_in_ruby: dict[str, str]) -> None:
    before = {entry.jid: entry for entry in ruby.entries("retry")}
    for verb, jid in failed_in_ruby.items():
        failed = teep.RetrySet(config=python).find_job(jid)
        assert getattr(failed, verb)(*((2e9,) if verb == "reschedule" else ())) is True
    for verb, jid in failed_in_ruby.items():
        place, count = _REPAIRS[verb]
        assert everywhere(ruby, jid) == ([place] if place else []), verb
        if place == "low":
            found = ruby.find_job("low", jid)
            assert found is not None
            assert (found.args, found.item["own"], found.tags) == (before[jid].args, {}, ["é"])
            assert (found.retry_count, found.error_backtrace) == (count, before[jid].error_backtrace)
        elif place is not None:
            (entry,) = [entry for entry in ruby.entries("retry" if place == "retry" else "dead") if entry.jid == jid]
            assert entry.value == before[jid].value
            assert entry.score == (2e9 if verb == "reschedule" else pytest.approx(time.time(), abs=30))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("verb", ["reschedule", "retry", "add_to_queue", "kill", "delete"])
def test_among_jobs_of_one_score_only_the_one_is_touched(
    ruby: Ruby, python: teep.Config, redis_server: Server, name: SetName, verb: str
) -> None:
    """Sidekiq takes all entries of a score out, and puts the others back; they must come back as they were."""
    jids = teep.Client(python).push_bulk({"class": "python.Echo", "args": [[n, *ARGS] for n in range(5)], "at": 2e9})
    if name != "schedule":
        redis_server.command("RENAME", "schedule", name)
    before = {entry.jid: entry.value for entry in ruby.entries(name)}
    chosen = str(jids[2])
    extra = (1.9e9,) if verb == "reschedule" else ()
    getattr(ruby, verb)(name, chosen, *extra)
    stays = verb == "reschedule" or (verb, name) == ("kill", "dead")
    after = {entry.jid: entry.value for entry in ruby.entries(name)}
    assert after == {jid: value for jid, value in before.items() if stays or jid != chosen}
    assert len(everywhere(ruby, chosen)) == (0 if verb == "delete" else 1)


def test_whole_sets_of_the_other(ruby: Ruby, python: teep.Config, redis_server: Server) -> None:
    teep.Client(python).push_bulk({"class": "python.Echo", "args": [[n, *ARGS] for n in range(20)], "at": 2e9})
    ruby.push_bulk({"class": "EchoJob", "args": [[n, *ARGS] for n in range(20)], "at": 1.9e9})
    redis_server.command("RENAME", "schedule", "retry")
    before = {entry.value for entry in ruby.entries("retry")}
    ruby.kill_all()
    assert {entry.raw for entry in teep.DeadSet(config=python)} == before
    assert teep.DeadSet(config=python).retry_all() == 40
    assert sorted(job.args[0] for job in ruby.jobs()) == sorted([*range(20), *range(20)])
    ruby.clear_queue("default")
    assert teep.Queue.all(config=python) == []


def test_deleting_from_the_others_queue(ruby: Ruby, python: teep.Config) -> None:
    client, queue = teep.Client(python), teep.Queue(config=python)
    mine = client.push_bulk({"class": "python.Echo", "args": [[n, *ARGS] for n in range(3)]})
    theirs = [ruby.perform_async("EchoJob", *ARGS) for _ in range(3)]
    assert ruby.delete_job("default", str(mine[1]))
    found = queue.find_job(theirs[1])
    assert found is not None
    assert found.delete()
    assert queue.delete_job(theirs[2])
    assert [job.jid for job in queue] == [theirs[0], mine[2], mine[0]]
