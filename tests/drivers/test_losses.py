"""What every driver does when connections break, servers do not answer, or answer that they cannot now.

What the proxy plays is the same before any server, so one kind of them is enough.
"""

import time

import pytest

from teep.drivers.connections import pools
from teep.errors import RedisRefused, RedisTimedOut, RedisUnavailable
from teep.wire import commands, scripts
from teep.wire.command import Command
from teep.wire.keys import Key
from tests.conftest import ServerFactory
from tests.drivers.conftest import Connect, Runner
from tests.support.proxy import Proxy
from tests.support.servers import Server

LOADING = "LOADING server is loading the dataset in memory"
READONLY = "READONLY You can't write against a read only replica."


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long (seconds) a driver that is made from here on waits for an answer."""
    monkeypatch.setattr(pools, "ANSWER_SECONDS", 0.9)
    return pools.ANSWER_SECONDS


def test_a_connection_killed_while_idle_is_replaced(runner: Runner, server: Server) -> None:
    # A push is not repeated blindly: the dead socket must be noticed before anything is sent.
    for size in (1, 2, 3):
        assert runner.execute(commands.lpush(Key("list"), b"x")) == size
        server.command("CLIENT", "KILL", "TYPE", "normal")


def test_a_restarted_server_is_found_again(connect: Connect, fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    runner = connect(server.url)
    runner.execute(commands.lpush(Key("list"), b"x"))
    server.kill()
    for command in (commands.llen(Key("list")), commands.lpush(Key("list"), b"y")):
        with pytest.raises(RedisUnavailable, match="no connection to Redis"):
            runner.execute(command)
    server.restart()
    assert runner.execute(commands.lpush(Key("list"), b"z")) == 2


@pytest.mark.one_server
def test_a_command_whose_repeat_is_harmless_survives_lost_answers(disturbed: Runner, proxy: Proxy) -> None:
    disturbed.execute(commands.lpush(Key("list"), b"x"))
    proxy.lose_answer(b"LLEN", times=2)
    assert disturbed.execute(commands.llen(Key("list"))) == 1


@pytest.mark.one_server
def test_it_is_given_up_after_some_tries(disturbed: Runner, proxy: Proxy) -> None:
    proxy.lose_answer(b"LLEN", times=100)
    with pytest.raises(RedisUnavailable):
        disturbed.execute(commands.llen(Key("list")))
    assert disturbed.execute(commands.zcard(Key("zset"))) == 0


@pytest.mark.one_server
def test_a_push_whose_answer_is_lost_is_not_repeated(disturbed: Runner, proxy: Proxy, server: Server) -> None:
    proxy.lose_answer(b"LPUSH")
    with pytest.raises(RedisUnavailable):
        disturbed.execute(commands.lpush(Key("list"), b"x"))
    assert server.command("LLEN", "list") == 1
    assert disturbed.execute(commands.lpush(Key("list"), b"y")) == 2


@pytest.mark.one_server
def test_a_pipeline_with_a_push_is_not_repeated_either(disturbed: Runner, proxy: Proxy, server: Server) -> None:
    proxy.lose_answer(b"LPUSH")
    with pytest.raises(RedisUnavailable):
        disturbed.execute(
            commands.pipeline(commands.sadd(Key("queues"), "default"), commands.lpush(Key("list"), b"x"))
        )
    assert server.command("LLEN", "list") == 1


@pytest.mark.one_server
def test_a_scheduled_push_is_not_repeated_as_the_job_may_have_moved_on_meanwhile(
    disturbed: Runner, proxy: Proxy, server: Server
) -> None:
    proxy.lose_answer(b"ZADD")
    with pytest.raises(RedisUnavailable):
        disturbed.execute(commands.zadd(Key("schedule"), (1.0, b"x")))
    assert server.command("ZPOPMIN", "schedule") == [(b"x", 1.0)]
    assert disturbed.execute(commands.zadd(Key("schedule"), (1.0, b"y"), repeatable=True)) == 1


@pytest.mark.one_server
def test_a_script_that_compares_before_it_moves_is_repeated(disturbed: Runner, proxy: Proxy, server: Server) -> None:
    server.command("RPUSH", "inflight", "a")
    script = scripts.give_back(Key("inflight"), Key("queue"), Key("queues"), "q", [b"a"])
    assert disturbed.execute(script).done == [True]
    server.command("RPUSH", "inflight", "a")
    proxy.lose_answer(script.script.sha.encode())  # type: ignore[attr-defined]
    assert disturbed.execute(script).done == [False]
    assert server.command("LRANGE", "queue", 0, -1) == [b"a", b"a"]


@pytest.mark.one_server
@pytest.mark.parametrize("error", [LOADING, READONLY, "TRYAGAIN later", "CLUSTERDOWN Hash slot not served", "BUSY x"])
def test_a_push_refused_for_a_moment_is_sent_again(
    disturbed: Runner, proxy: Proxy, server: Server, error: str
) -> None:
    proxy.refuse(b"LPUSH", error, times=2)
    assert disturbed.execute(commands.lpush(Key("list"), b"x")) == 1
    assert server.command("LLEN", "list") == 1


@pytest.mark.one_server
@pytest.mark.slow("the answer is waited for, a second at the server and nine tenths more")
def test_a_blocking_command_whose_answer_does_not_come_times_out(
    impatient: float, disturbed: Runner, proxy: Proxy, server: Server
) -> None:
    disturbed.execute(commands.ping())
    proxy.withhold_answer(b"BLMOVE")
    started = time.monotonic()
    with pytest.raises(RedisTimedOut):
        disturbed.execute(commands.blmove_tail(Key("queue"), Key("inflight"), 1))
    assert 1 + impatient <= time.monotonic() - started < 5
    server.command("LPUSH", "queue", "job")
    assert disturbed.execute(Command("RPOP", "queue", read=commands.as_is)) == b"job"


@pytest.mark.one_server
def test_a_push_that_was_never_sent_may_try_a_new_connection(disturbed: Runner, proxy: Proxy) -> None:
    assert disturbed.execute(commands.lpush(Key("list"), b"x")) == 1
    # The second refusal closes the connection, to ask elsewhere; the next connection breaks before the push is sent.
    proxy.refuse(b"LPUSH", READONLY, times=2)
    proxy.reject_connections(times=1)
    assert disturbed.execute(commands.lpush(Key("list"), b"y")) == 2


@pytest.mark.one_server
@pytest.mark.parametrize("error", [LOADING, READONLY])
def test_a_lasting_refusal_is_named_so(disturbed: Runner, proxy: Proxy, error: str) -> None:
    proxy.refuse(b"LPUSH", error, times=100)
    with pytest.raises(RedisRefused, match="refuses for now"):
        disturbed.execute(commands.lpush(Key("list"), b"x"))
    assert disturbed.execute(commands.llen(Key("list"))) == 0


def test_a_full_server_refuses_at_once(connect: Connect, fresh_server: ServerFactory) -> None:
    runner = connect(fresh_server(options=("--maxmemory", "1")).url)
    with pytest.raises(RedisRefused, match="maxmemory"):
        runner.execute(commands.lpush(Key("list"), b"x"))


def test_what_a_pipeline_did_before_a_refusal_is_not_done_again(runner: Runner, server: Server) -> None:
    demoting = commands.pipeline_of([_lpush("a"), _config("min-replicas-to-write", 1), _lpush("b")])
    try:
        with pytest.raises(RedisRefused):
            runner.execute(demoting)
    finally:
        server.command("CONFIG", "SET", "min-replicas-to-write", 0)
    assert (server.command("LLEN", "a"), server.command("LLEN", "b")) == (1, 0)


@pytest.mark.one_server
def test_a_server_that_does_not_answer_times_out(impatient: float, disturbed: Runner, proxy: Proxy) -> None:
    assert disturbed.execute(commands.ping()) in (b"PONG", "PONG")
    proxy.withhold_answer(b"LPUSH")
    started = time.monotonic()
    with pytest.raises(RedisTimedOut):
        disturbed.execute(commands.lpush(Key("list"), b"x"))
    assert impatient <= time.monotonic() - started < 5
    assert disturbed.execute(commands.llen(Key("list"))) == 1


@pytest.mark.one_server
@pytest.mark.slow("three answers are waited for")
def test_a_silent_server_is_asked_again_where_that_is_harmless(
    impatient: float, disturbed: Runner, proxy: Proxy
) -> None:
    proxy.withhold_answer(b"LLEN")
    assert disturbed.execute(commands.llen(Key("list"))) == 0
    proxy.withhold_answer(b"LLEN", times=100)
    with pytest.raises(RedisTimedOut):
        disturbed.execute(commands.llen(Key("list")))


def test_a_blocking_command_has_its_own_time(impatient: float, connect: Connect, server: Server) -> None:
    runner = connect(server.url)
    started = time.monotonic()
    assert runner.execute(commands.blmove_tail(Key("queue"), Key("inflight"), 1)) is None
    assert time.monotonic() - started >= 1 > impatient
    server.command("LPUSH", "queue", "job")
    assert runner.execute(commands.blmove_tail(Key("queue"), Key("inflight"), 1)) == b"job"


def _lpush(key: str) -> Command[int]:
    return commands.lpush(Key(key), b"x")


def _config(name: str, value: int) -> Command[int]:
    return Command("CONFIG", "SET", name, value, read=lambda _: 0)
