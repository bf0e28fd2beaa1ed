"""Looking at a result and waiting for it: Redis wakes the waiting calls, all of them, and nothing polls."""

import asyncio
import datetime as dt
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

import teep
import teep.testing
from teep.config import async_driver_for, driver_for
from teep.drivers.connections import pools
from teep.drivers.plans import pause
from teep.errors import InvalidType, InvalidValue, RedisCommandError, RedisUnavailable
from teep.store import results
from teep.wire.scripts import step
from teep.wire.scripts.step import Parts, Step
from tests.api.sides import Side
from tests.features.results.conftest import key_of
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON

PAYLOAD = {"class": "Noop", "args": [], "queue": "q", "keep_result": 60}


def finish(server: Server, jid: str, value: Any) -> None:
    """Do what the step does that ends a job."""
    (part,) = results.ended({"jid": jid, "keep_result": 60}, "done")
    record, _ = results.succeeded(value)
    config = teep.Config(redis_url=server.url)
    along = results.with_value(part, record)
    (told,) = driver_for(config).execute(step.carry_out([Step(Parts(along=(along,)))]))
    assert not told.beside


def push(side: Side, **fields: Any) -> str:
    jid: str = side.run(side.Client().push(PAYLOAD | fields))
    return jid


def blocked(server: Server) -> int:
    return int(server.command("INFO", "clients")["blocked_clients"])


def calls(server: Server, command: str) -> int:
    return int(server.client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))


@pytest.fixture
def aside() -> Iterator[Callable[[Callable[[], Any]], "Future[Any]"]]:
    """Calls a function in a thread of its own."""
    with ThreadPoolExecutor(4) as threads:
        yield threads.submit


def test_a_result_that_is_there_costs_one_command(side: Side) -> None:
    finish(side.server, "7", [1])
    result = side.Result("7")
    side.run(result.get(0))
    side.server.command("CONFIG", "RESETSTAT")
    assert [side.run(result.get(timeout=timeout)) for timeout in (0, None, 5, dt.timedelta(1))] == [[1]] * 4
    assert side.run(result.status) == "succeeded"
    stats = side.server.client.info("commandstats")
    assert stats.pop("cmdstat_lindex")["calls"] == 5
    assert not {"cmdstat_blmove", "cmdstat_evalsha"} & stats.keys()


def test_a_waiting_call_is_woken_and_asks_nothing_meanwhile(
    side: Side, aside: Callable[[Callable[[], Any]], "Future[Any]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.api.results._BLOCK", SOON)
    push(side)  # connects
    side.server.command("CONFIG", "RESETSTAT")
    waits = aside(lambda: side.run(side.Result("7").get(timeout=SOON)))
    wait_until(lambda: blocked(side.server) == 1, SOON, "it to wait")
    finish(side.server, "7", "ž")
    assert waits.result(SOON) == "ž"
    stats = side.server.client.info("commandstats")
    assert stats["cmdstat_lindex"]["calls"] == 1
    assert stats["cmdstat_blmove"]["calls"] <= 2  # a blocked one is counted again by some servers


def test_all_that_wait_are_woken_and_the_result_stays(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.api.results._BLOCK", SOON)
    many = 20

    def waiting() -> list[Any]:
        if side.name == "sync":
            with ThreadPoolExecutor(many) as threads:
                return list(threads.map(lambda _: teep.Result("7", config=side.config).get(SOON), range(many)))
        return side.run(_all([teep.AsyncResult("7", config=side.config).get(SOON) for _ in range(many)]))  # type: ignore[no-any-return]

    with ThreadPoolExecutor(1) as thread:
        waits = thread.submit(waiting)
        wait_until(lambda: blocked(side.server) == many, SOON, "all to wait")
        finish(side.server, "7", 1)
        assert waits.result(SOON) == [1] * many
    assert side.server.command("LLEN", key_of("7")) == 1
    assert 0 < side.server.command("PTTL", key_of("7")) <= 60_000
    assert side.run(side.Result("7").get(0)) == 1


async def _all(waits: Sequence[Any]) -> list[Any]:
    return await asyncio.gather(*waits)


def test_it_wakes_across_its_own_blocks(
    side: Side, aside: Callable[[Callable[[], Any]], "Future[Any]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.api.results._BLOCK", 0.05)
    jid = push(side)
    waits = aside(lambda: side.run(side.Result(jid).get(SOON)))
    wait_until(lambda: calls(side.server, "blmove") > 3, SOON, "some blocks")
    finish(side.server, jid, 1)
    assert waits.result(SOON) == 1


@pytest.mark.parametrize("timeout", [0, 0.05, dt.timedelta(milliseconds=50), 1e-9])
def test_in_time_or_not(side: Side, timeout: Any) -> None:
    jid = push(side)
    with pytest.raises(TimeoutError, match=rf"the job {jid} has not ended in .* s; it is queued") as caught:
        side.run(side.Result(jid).get(timeout))
    assert isinstance(caught.value, teep.ResultTimeout)
    assert caught.value.status == "queued"


@pytest.mark.parametrize(
    ("timeout", "error"),
    [("5", InvalidType), (True, InvalidType), (-1, InvalidValue), (math.nan, InvalidValue)],
)
def test_a_timeout_that_is_none(side: Side, timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout must be"):
        side.run(side.Result("7").get(timeout))


def test_a_push_that_returned_none_has_no_result(side: Side) -> None:
    with pytest.raises(InvalidType, match="a push returns None if a middleware stopped it or an identical job"):
        side.Result(None)


def test_where_a_job_is_whether_or_not_it_keeps_its_result(side: Side) -> None:
    jid = push(side, keep_result=None)
    result = side.Result(jid)
    assert side.run(result.status) == "queued"
    (raw,) = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("DEL", "queue:q")
    assert side.run(result.status) == "unknown"
    for key, status in (("schedule", "scheduled"), ("retry", "retrying"), ("dead", "dead")):
        side.server.command("ZADD", key, 1, raw)
        assert side.run(result.status) == status
        side.server.command("DEL", key)
    side.server.command("HSET", "teep:inflight", "a:1:b", '{"pid":1,"machine":"m","started":1,"queues":["q"]}')
    side.server.command("RPUSH", "{queue:q}:inflight:a:1:b", raw)
    assert side.run(result.status) == "running"


def test_how_far_a_job_is_while_it_runs(side: Side) -> None:
    jid = push(side)
    result = side.Result(jid)
    assert side.run(result.progress) is None
    (raw,) = side.server.command("LRANGE", "queue:q", 0, -1)
    work: dict[str, Any] = {"queue": "q", "payload": raw.decode(), "run_at": 5}
    side.server.command("SADD", "processes", "a:1:b")
    side.server.command("HSET", "a:1:b:work", "t", msgspec.json.encode(work))
    assert side.run(result.progress) is None
    work["progress"] = {"done": 0.5, "note": "rows", "at": 7}
    side.server.command("HSET", "a:1:b:work", "t", msgspec.json.encode(work))
    assert side.run(result.progress) == teep.Progress(0.5, "rows", dt.datetime.fromtimestamp(7, dt.UTC))
    assert side.run(side.Result("7").progress) is None
    with teep.testing.fake():
        assert side.run(result.progress) is None


def test_one_that_is_found_and_keeps_no_result_is_told_of(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    jid = push(side, keep_result=False)
    with pytest.raises(teep.ResultNotKept, match=rf"{jid} is queued and does not keep its result; give it keep_re"):
        side.run(side.Result(jid).get(0))
    monkeypatch.setattr("teep.api.results._FIRST_LOOK", 0.0)
    monkeypatch.setattr("teep.api.results._BLOCK", 0.02)
    with pytest.raises(LookupError, match="does not keep its result"):
        side.run(side.Result(jid).get())


def test_one_that_is_nowhere_is_told_of_and_not_waited_for(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(teep.ResultNotKept, match="nothing is known of the job 7: it is over and did not keep"):
        side.run(side.Result("7").get(0))
    monkeypatch.setattr("teep.api.results._FIRST_LOOK", 0.0)
    monkeypatch.setattr("teep.api.results._BLOCK", 0.02)
    with pytest.raises(teep.ResultNotKept, match="nothing is known"):
        side.run(side.Result("7").get())


def test_one_that_a_process_without_results_has_killed_is_dead(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sidekiq, in the same fleet, writes no record."""
    raw = b'{"class":"a","args":[],"jid":"7","keep_result":60,"error_class":"E","error_message":"no"}'
    side.server.command("ZADD", "dead", 1, raw)
    with pytest.raises(teep.JobFailed, match="the job 7 has failed, and is dead: E: no"):
        side.run(side.Result("7").get(0))
    monkeypatch.setattr("teep.api.results._FIRST_LOOK", 0.0)
    monkeypatch.setattr("teep.api.results._BLOCK", 0.02)
    with pytest.raises(teep.JobFailed, match="E: no"):
        side.run(side.Result("7").get())


def test_a_result_goes_at_its_time(side: Side) -> None:
    (part,) = results.ended({"jid": "7", "keep_result": 0.05}, "dead")
    driver_for(side.config).execute(step.carry_out([Step(Parts(along=(part,)))]))
    wait_until(lambda: side.run(side.Result("7").status) == "unknown", SOON, "its end")
    assert side.server.command("DBSIZE") == 0


def test_the_results_of_many_jobs_in_one_round_trip(side: Side) -> None:
    for number in range(0, 10, 2):
        finish(side.server, str(number), number)
    found = driver_for(side.config).run(results.read_all([str(number) for number in range(10)]))
    assert [record and record.value for record in found] == [0, None, 2, None, 4, None, 6, None, 8, None]


@pytest.mark.one_server
def test_a_user_that_may_not_write_waits_too(
    side: Side, aside: Callable[[Callable[[], Any]], "Future[Any]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.api.results._BLOCK", 0.05)
    side.server.command("ACL", "SETUSER", "reader", "reset", "on", ">pw", "~*", "&*", "+@read", "+@connection")
    jid = push(side)
    side.config = teep.Config(redis_url=side.server.url.replace("//", "//reader:pw@"))
    result = side.Result(jid)
    waits = aside(lambda: side.run(result.get(SOON)))
    wait_until(lambda: calls(side.server, "lindex") > 3, SOON, "some looks")
    finish(side.server, jid, 1)
    assert waits.result(SOON) == 1
    side.server.command("ACL", "DELUSER", "reader")


@pytest.mark.one_server
def test_a_full_server_lets_it_wait(
    side: Side, aside: Callable[[Callable[[], Any]], "Future[Any]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.api.results._BLOCK", 0.05)
    jid = push(side)
    side.server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        waits = aside(lambda: side.run(side.Result(jid).get(SOON)))
        wait_until(lambda: calls(side.server, "lindex") > 3, SOON, "looks")
    finally:
        side.server.command("CONFIG", "SET", "maxmemory", 0)
    finish(side.server, jid, 1)
    assert waits.result(SOON) == 1


@pytest.mark.one_server
def test_a_wait_outlives_an_outage(
    side: Side,
    aside: Callable[[Callable[[], Any]], "Future[Any]"],
    fresh_server: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noticed = threading.Event()

    def noted(seconds: float) -> Any:
        noticed.set()
        return pause(seconds)

    monkeypatch.setattr("teep.api.results.pause", noted)
    server = fresh_server(append_only=True)
    side.config = teep.Config(redis_url=server.url)
    jid: str = side.run(side.Client().push(PAYLOAD))
    waits = aside(lambda: side.run(side.Result(jid).get(SOON)))
    wait_until(lambda: blocked(server) == 1, SOON, "it to wait")
    server.kill()
    assert noticed.wait(SOON)
    server.restart()
    finish(server, jid, 1)
    assert waits.result(SOON) == 1
    server.kill()
    with pytest.raises(RedisUnavailable):  # what is away from the first is told at once
        side.run(side.Result(jid).get(SOON))


@pytest.mark.one_server
def test_an_outage_at_the_end_of_the_time(side: Side, aside: Any, fresh_server: Callable[..., Server]) -> None:
    server = fresh_server()
    side.config = teep.Config(redis_url=server.url)
    jid: str = side.run(side.Client().push(PAYLOAD))
    waits = aside(lambda: side.run(side.Result(jid).get(1.0)))
    wait_until(lambda: blocked(server) == 1, SOON, "it to wait")
    server.kill()
    with pytest.raises(teep.ResultTimeout, match="has not ended in 1 s, as far as is known: ") as caught:
        waits.result(SOON)
    assert isinstance(caught.value.__cause__, RedisUnavailable)


@pytest.mark.one_server
def test_a_key_of_another_type_is_told_of(side: Side) -> None:
    side.server.command("SET", key_of("7"), "of another")
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        side.run(side.Result("7").get(0))


@pytest.mark.one_server
def test_however_many_tasks_wait_a_push_finds_a_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ASYNC_CONNECTIONS", 3)
    monkeypatch.setattr("teep.api.results._BLOCK", SOON)
    many = 8
    config = teep.Config(redis_url=server.url)

    async def program() -> list[Any]:
        waits = [asyncio.ensure_future(teep.aresult("7", config=config).get(SOON)) for _ in range(many)]
        async with asyncio.timeout(SOON):
            while blocked(server) < many:  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(0.01)
            await teep.AsyncClient(config).push(PAYLOAD)
        finish(server, "7", 1)
        return await asyncio.gather(*waits)

    assert asyncio.run(program()) == [1] * many


@pytest.mark.one_server
def test_more_than_there_are_connections_take_turns(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ASYNC_WAITS", 2)
    monkeypatch.setattr("teep.api.results._BLOCK", 0.05)
    config = teep.Config(redis_url=server.url)

    async def program() -> list[Any]:
        jids = [await teep.AsyncClient(config).push(PAYLOAD) for _ in range(10)]
        waits = [asyncio.ensure_future(teep.aresult(jid, config=config).get(SOON)) for jid in jids]
        for number, jid in enumerate(jids):
            finish(server, str(jid), number)
        return await asyncio.gather(*waits)

    assert asyncio.run(program()) == list(range(10))


@pytest.mark.one_server
def test_a_task_that_is_cancelled_leaves_nothing_behind(server: Server) -> None:
    config = teep.Config(redis_url=server.url)

    async def program() -> None:
        wait = asyncio.ensure_future(teep.aresult("7", config=config).get())
        async with asyncio.timeout(SOON):
            while blocked(server) < 1:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        async with asyncio.timeout(SOON):
            while blocked(server) > 0:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await teep.aresult("7", config=config).get()
        finish(server, "7", 1)
        assert await teep.aresult("7", config=config).get(0) == 1
        await async_driver_for(config).close()

    asyncio.run(program())


_INTERRUPTED = """
import sys, teep
client = teep.Client(teep.Config(redis_url=sys.argv[1]))
jid = client.push({"class": "Noop", "args": [], "keep_result": 60})
try:
    teep.result(jid, client=client).get()
except KeyboardInterrupt:
    print(teep.result(jid, client=client).status)
"""


@pytest.mark.one_server
def test_ctrl_c_ends_a_wait_at_once(server: Server) -> None:
    program = subprocess.Popen([sys.executable, "-c", _INTERRUPTED, server.url], stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: blocked(server) == 1, 4 * SOON, "it to wait")
        os.kill(program.pid, signal.SIGINT)
        out, _ = program.communicate(timeout=SOON)
    finally:
        program.kill()
    assert out == "queued\n"


def test_an_error_travels_between_processes() -> None:
    import pickle

    error = teep.JobFailed("7", "dead", "E", "no", ["a.py:1"])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.error_backtrace) == (str(error), ["a.py:1"])
    assert isinstance(error, teep.errors.ResultError)
