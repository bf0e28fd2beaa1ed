"""A job's result is written in the step that ends it, by whatever process and in whatever way it ends."""

import asyncio
import datetime as dt
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from teep.config import driver_for
from teep.errors import RedisCommandError
from teep.store.jobs import jobsets
from teep.store.running import inflight, outcome
from teep.wire import keys
from tests.features.results.conftest import failure, key_of, record_of, wait_for_record
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


def _jobs(run: Callable[..., Any], **options: Any) -> dict[str, Enqueueable]:
    """Return a `def` and an `async def` job that do the same."""

    @teep.job(name="a_def", **options)
    def plain(*args: Any) -> Any:
        return run(*args)

    @teep.job(name="an_async", **options)
    async def coroutine(*args: Any) -> Any:
        await asyncio.sleep(0)
        return run(*args)

    return {"def": plain, "async": coroutine}


def _raise(*_: Any) -> None:
    raise ValueError("as intended")


def _echo(value: Any) -> Any:
    return value


@pytest.mark.parametrize("kind", ["def", "async"])
@pytest.mark.parametrize("way", ["", "observed", "middleware"])
def test_what_a_job_returns_is_kept_for_its_time(here: Fleet, kind: str, way: str) -> None:
    config = here.configure()
    if way == "observed":
        config.hooks.observers.append(lambda _: None)
    if way == "middleware":
        config.server_middleware.add(lambda _, call_next: call_next())
    here.start(config)
    jid = here.push(_jobs(_echo, keep_result=dt.timedelta(hours=1))[kind], {"a": [1, None, "ž"]})
    assert teep.result(jid).get(timeout=SOON) == {"a": [1, None, "ž"]}
    assert 3_590_000 < here.server.command("PTTL", key_of(jid)) <= 3_600_000
    here.wait_until_processed(1)
    assert here.counters() == (1, 0)


def test_a_job_that_does_not_ask_for_it_leaves_none(here: Fleet) -> None:
    here.start()
    job = _jobs(_echo)["def"]
    for fields in ({}, {"keep_result": False}, {"keep_result": None}):
        here.push(job, 1, **fields)
    here.wait_until_processed(3)
    assert here.server.command("KEYS", "teep:result:*") == []


def test_the_field_of_any_producer_counts_and_wrong_ones_harm_nothing(here: Fleet) -> None:
    job = _jobs(_echo)["def"]
    here.start()
    for number, seconds in enumerate(['"x"', "-1", "[]", "0", "true", "1e300"]):
        here.push_raw(b'{"class":"%b","args":[1],"jid":"%d","keep_result":%b}' % (b"a_def", number, seconds.encode()))
    here.push_raw(b'{"class":"a_def","args":[1],"jid":9,"keep_result":60}')  # no jid that a result could have
    here.push_raw(b'{"class":"a_def","args":[5],"jid":"ruby","queue":"default","keep_result":60}')
    assert teep.result("ruby").get(timeout=SOON) == 5
    here.wait_until_processed(8)
    assert here.server.command("KEYS", "teep:result:*") == [b"teep:result:ruby"]
    assert job is not None


def test_defaults_and_a_push_ask_for_it(here: Fleet) -> None:
    config = here.configure(job_defaults={"keep_result": 60})
    here.start(config)
    client = teep.Client(config)
    job = _jobs(_echo)["def"]
    jid = client.push(job.to_payload((1,), {}))
    assert teep.result(jid).get(timeout=SOON) == 1
    assert teep.result(here.push(job, 2, keep_result=60)).get(timeout=SOON) == 2
    with pytest.raises(teep.errors.InvalidJob, match='"keep_result" must be seconds above 0'):
        client.push(job.to_payload((1,), {}) | {"keep_result": "1h"})


def test_a_job_of_many_items_keeps_none_as_its_value(here: Fleet) -> None:
    class Many(teep.IterableJob, name="many", keep_result=60):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1, 2], cursor=cursor)

        def each_iteration(self, number: int) -> int:
            return number

    here.start()
    jid = Many.perform_async()
    assert teep.result(jid).get(timeout=SOON) is None
    assert record_of(here.server, jid) == {"status": "succeeded", "value": None}


@pytest.mark.parametrize("kind", ["def", "async"])
def test_what_cannot_be_kept_fails_no_job_and_is_told_once(
    here: Fleet, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.start()
    with caplog.at_level(logging.WARNING, "teep"):
        jid = here.push(_jobs(lambda: {1, 2}, keep_result=60)[kind])
        with pytest.raises(teep.ResultNotKept, match=r"has succeeded, but the result is a set, which is not plain"):
            teep.result(jid).get(timeout=SOON)
    assert teep.result(jid).status == "succeeded"
    here.wait_until_processed(1)
    assert here.counters() == (1, 0)
    (line,) = caplog.records
    assert line.message.startswith("a job is done, and its result is not kept: the result is a set")
    assert vars(line)["teep"]["jid"] == jid


def test_a_result_of_every_size_up_to_the_limit(here: Fleet) -> None:
    here.start()
    job = _jobs(lambda size: "x" * size, keep_result=60)["def"]
    sizes = [0, 900, 1_000, 30_000, 65_534]
    jids = [here.push(job, size) for size in sizes]
    assert [len(teep.result(jid).get(timeout=SOON)) for jid in jids] == sizes
    with pytest.raises(teep.ResultNotKept, match="is 65537 bytes of JSON"):
        teep.result(here.push(job, 65_535)).get(timeout=SOON)


def test_many_at_once_small_and_large(here: Fleet) -> None:
    job = _jobs(lambda number: "x" * (number % 50 * 100), keep_result=60, unique_for=60)["def"]
    jids = [here.push(job, number) for number in range(500)]
    here.start(concurrency=10)
    here.wait_until_processed(500)
    assert [len(teep.result(jid).get(0)) for jid in jids] == [number % 50 * 100 for number in range(500)]
    assert here.server.command("KEYS", "unique:*") == []


def test_a_failure_with_retries_left_is_no_end(here: Fleet) -> None:
    tries: list[int] = []

    def second_time(_: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("as intended")
        return 7

    here.start()
    jid = here.push(_jobs(second_time, keep_result=60)["def"], 1)
    here.failed_payload()
    result = teep.result(jid)
    assert result.status == "retrying"
    assert record_of(here.server, jid) is None
    assert teep.RetrySet().retry_all() == 1
    assert result.get(timeout=SOON) == 7


@pytest.mark.parametrize(
    ("options", "ended", "status"),
    [
        ({"retry": 0}, "dead", "dead"),
        ({"retry": 0, "dead": False}, "discarded", "failed"),
        ({"retry": False}, "discarded", "failed"),
        ({"retry_in": lambda *_: "discard"}, "discarded", "failed"),
        ({"retry_in": lambda *_: "kill"}, "dead", "dead"),
        ({"retry": 0, "retries_exhausted": lambda *_: "discard"}, "discarded", "failed"),
    ],
)
def test_a_failure_for_good_is_kept_with_its_error(
    here: Fleet, options: dict[str, Any], ended: str, status: str
) -> None:
    here.start()
    jid = here.push(_jobs(_raise, keep_result=60, **options)["def"])
    result = teep.result(jid)
    with failure(result) as caught:
        error = caught.value
        assert (error.jid, error.status, error.error_class) == (jid, ended, "ValueError")
        assert error.error_message == "as intended"
        assert "in `_raise'" in error.error_backtrace[0]
        assert str(error).endswith("ValueError: as intended")
    assert result.status == status
    assert 0 < here.server.command("PTTL", key_of(jid)) <= 60_000


def test_without_a_backtrace_none_is_kept(here: Fleet) -> None:
    here.start()
    jid = here.push(_jobs(_raise, keep_result=60, retry=False, backtrace=False)["def"])
    with failure(teep.result(jid)) as caught:
        assert caught.value.error_backtrace == []


def test_a_job_that_timed_out(here: Fleet) -> None:
    here.start()
    jid = here.push(_waiting(), timeout=0.05, retry=0)
    with failure(teep.result(jid)) as caught:
        assert caught.value.error_class == "teep.errors.JobTimeout"


def test_one_that_was_too_late(here: Fleet) -> None:
    jid = here.push(_jobs(_echo, keep_result=60)["def"], 1, expires_in=0.001)
    late = time.time() + 0.001
    wait_until(lambda: time.time() > late, SOON, "it to be too late")
    here.start()
    with failure(teep.result(jid)) as caught:
        assert caught.value.status == "expired"
    assert teep.result(jid).status == "failed"


def _waiting() -> Enqueueable:
    @teep.job(name="waiting", keep_result=60)
    async def waiting() -> int:
        await asyncio.sleep(SOON)
        return 7

    return waiting


def test_one_that_is_cancelled_while_it_runs(here: Fleet) -> None:
    here.start(heartbeat_interval=0.1)
    jid = here.push(_waiting())
    result = teep.result(jid)
    wait_until(lambda: result.status == "running", SOON, "it to run")
    assert here.client.cancel(jid) == "working"
    with failure(result) as caught:
        assert caught.value.status == "cancelled"
    wait_until(lambda: result.status == "cancelled", SOON, "its status")


@pytest.mark.parametrize("verb", ["cancel", "delete", "clear", "delete_all", "schedule"])
def test_one_that_is_removed_while_it_waits(here: Fleet, verb: str) -> None:
    later = {"at": time.time() + 60} if verb == "schedule" else {}
    jid = here.push(_jobs(_echo, keep_result=60)["def"], 1, **later)
    result, queue = teep.result(jid), teep.Queue("default")
    assert result.status == ("scheduled" if later else "queued")
    if verb == "delete":
        assert queue.delete_job(jid)
    elif verb == "clear":
        queue.clear()
    elif verb == "delete_all":
        assert queue.where(klass="a_def").delete_all() == 1
    else:
        here.client.cancel(jid)
    with failure(result) as caught:
        assert caught.value.status == "deleted"
    assert teep.result(jid).status == "cancelled"
    assert 0 < here.server.command("PTTL", key_of(jid)) <= 60_000


def test_one_that_is_killed_while_it_waits(here: Fleet) -> None:
    jid = here.push(_jobs(_echo, keep_result=60)["def"], 1)
    assert teep.Queue("default").where(klass="a_def").kill_all() == 1
    with failure(teep.result(jid)) as caught:
        assert (caught.value.status, caught.value.error_class) == ("dead", None)
    assert teep.result(jid).status == "dead"


def test_what_leaves_the_dead_set_stays_dead_and_its_next_run_counts(here: Fleet) -> None:
    fails = [True, True]

    def at_first(_: Any) -> int:
        if fails.pop() if fails else False:
            raise ValueError("as intended")
        return 7

    here.start()
    job = _jobs(at_first, keep_result=60, retry=0)["def"]
    first = here.push(job, 1)
    with failure(teep.result(first)):
        pass
    assert teep.DeadSet().where(klass="a_def").delete_all() == 1
    with failure(teep.result(first)) as caught:
        assert (caught.value.status, caught.value.error_class) == ("dead", "ValueError")
    second = here.push(job, 1)
    with failure(teep.result(second)):
        pass
    assert teep.DeadSet().retry_all() == 1
    wait_until(lambda: teep.result(second).status == "succeeded", SOON, "the run that was sent again")
    assert teep.result(second).get(0) == 7
    assert len(here.server.command("LRANGE", key_of(second), 0, -1)) == 1


def test_trimming_the_dead_set_leaves_what_is_kept(here: Fleet) -> None:
    jid = here.push(_jobs(_echo, keep_result=60)["def"], 1)
    teep.Queue("default").where(klass="a_def").kill_all()
    driver_for(here.config).run(jobsets.trim_dead(time.time() + 1e9, here.config.dead_limits))
    assert here.members("dead") == []
    with failure(teep.result(jid)) as caught:
        assert caught.value.status == "dead"


def test_a_late_end_writes_nothing(here: Fleet) -> None:
    begun, go = threading.Event(), threading.Event()

    def held() -> str:
        begun.set()
        assert go.wait(SOON)
        return "the first run"

    worker = here.start(concurrency=1)
    jid = here.push(_jobs(held, keep_result=60)["def"])
    assert begun.wait(SOON)
    # Another process was given the job, and has ended it.
    (raw,) = here.in_flight()
    (flight,) = here.server.command("KEYS", "{queue:*}:inflight:*")
    here.server.command("DEL", flight)
    here.server.command("RPUSH", keys.inflight("default", "other"), raw)
    ended = outcome.dead("default", raw, raw, time.time())
    driver_for(here.config).run(inflight.settle("other", [ended], date(2026, 11, 29)))
    before = here.server.command("LRANGE", key_of(jid), 0, -1)
    go.set()
    wait_until(lambda: here.counters()[0] == 1 and worker._capsules[0].fetcher.late == 1, SOON, "the late end")
    assert here.server.command("LRANGE", key_of(jid), 0, -1) == before
    assert record_of(here.server, jid) == {"status": "dead"}


def test_a_refused_result_leaves_the_job_ended_and_is_told(here: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    here.start()
    job = _jobs(lambda number: "x" * number, keep_result=60)["def"]
    for size in (1, 5_000):
        jid = f"{size:024d}"
        here.server.command("SET", key_of(jid), "of another")
        here.push(job, size, jid=jid)
    here.wait_until_processed(2)
    assert here.counters() == (2, 0)
    assert here.server.command("MGET", key_of(f"{1:024d}"), key_of(f"{5_000:024d}")) == [b"of another"] * 2
    assert "Redis refuses: RPUSH teep:result:" in caplog.text
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        teep.result(f"{1:024d}").get(0)


@pytest.mark.parametrize("size", [1, 5_000])
def test_a_full_server_takes_the_results_of_running_jobs(here: Fleet, size: int) -> None:
    begun, go = threading.Event(), threading.Event()

    def held() -> str:
        begun.set()
        assert go.wait(SOON)
        return "x" * size

    here.start()
    jid = here.push(_jobs(held, keep_result=60)["def"])
    assert begun.wait(SOON)
    here.server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        go.set()
        assert len(teep.result(jid).get(timeout=SOON)) == size
    finally:
        here.server.command("CONFIG", "SET", "maxmemory", 0)


def test_in_processes_that_are_killed_it_is_written_once(here: Fleet) -> None:
    """The first process dies in the middle of the run, so nothing is written; the second one's run counts."""
    process = here.spawn("-c", "1")
    jid = here.push("note_later", SOON, keep_result=60)
    here.wait_for_notes(1, "begun")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert record_of(here.server, jid) is None
    result = teep.result(jid)
    with pytest.raises(teep.ResultTimeout, match="it is running") as caught:
        result.get(timeout=0)
    assert caught.value.status == "running"
    here.spawn("-c", "1")
    here.wait_for_notes(2, "begun")
    here.client.cancel(jid)  # it would take too long
    assert wait_for_record(here.server, jid) == {"status": "cancelled"}


def test_a_process_returns_a_value(here: Fleet) -> None:
    here.spawn("-c", "2", "--json-logs")
    assert teep.result(here.push("note", keep_result=60)).get(timeout=SOON) is None
