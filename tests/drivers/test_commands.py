"""What every driver does with a server that works: results, errors, scripts, and plans."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from teep.errors import RedisCommandError
from teep.store.jobs import queues
from teep.wire import commands, scripts
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts.moves import Moves
from tests.drivers.conftest import Connect, Runner
from tests.support.servers import Server


def incrby(key: str, amount: int) -> Command[int]:
    """A command whose repeat would do harm."""
    return Command("INCRBY", key, amount, read=int)


def test_a_command_gives_its_result(runner: Runner) -> None:
    assert runner.execute(commands.lpush(Key("list"), b"\xff\x00", "ü", 3)) == 3
    assert runner.execute(commands.lrange(Key("list"), 0, -1)) == [b"3", "ü".encode(), b"\xff\x00"]
    assert runner.execute(commands.lindex(Key("list"), 7)) is None


def test_a_name_that_is_no_utf8_goes_back_as_it_came(runner: Runner, server: Server) -> None:
    server.command("SADD", "queues", b"q\xff")
    server.command("LPUSH", b"queue:q\xff", b"{}")
    (name,) = runner.run(queues.names())
    assert runner.run(queues.size(name)) == 1
    with pytest.raises(UnicodeEncodeError):
        runner.execute(commands.sadd(Key("queues"), "\ud800"))  # stands for no byte
    assert runner.run(queues.names()) == [name]


def test_a_plan_runs_its_commands_in_order(runner: Runner, server: Server) -> None:
    async def plan() -> list[int]:
        return [await incrby("n", 2), await incrby("n", 3)]

    assert runner.run(plan()) == [2, 5]
    assert server.command("GET", "n") == b"5"


def test_a_plan_may_catch_an_error_and_go_on(runner: Runner) -> None:
    async def plan() -> str:
        await commands.lpush(Key("list"), b"x")
        try:
            await incrby("list", 1)
        except RedisCommandError as error:
            return str(error)
        return "no error"

    assert runner.run(plan()).startswith("WRONGTYPE")


def test_an_error_leaves_the_plan_with_its_cause(runner: Runner) -> None:
    runner.execute(commands.sadd(Key("queue:list"), b"x"))
    with pytest.raises(RedisCommandError, match=r"^WRONGTYPE") as caught:
        runner.run(queues.size("list"))
    assert type(caught.value.__cause__).__name__ == "ResponseError"


def test_a_pipeline_of_nothing_sends_nothing(runner: Runner) -> None:
    assert runner.execute(commands.pipeline_of([])) == []  # and the connection can be closed, as the runner does


def test_a_pipeline_gives_every_result_in_order(runner: Runner) -> None:
    sends = [commands.lpush(Key("list"), str(n)) for n in range(300)]
    assert runner.execute(commands.pipeline_of(sends)) == list(range(1, 301))
    size, first = runner.execute(commands.pipeline(commands.llen(Key("list")), commands.lindex(Key("list"), 0)))
    assert (size, first) == (300, b"299")


def test_an_error_in_a_pipeline_is_raised_and_the_rest_is_carried_out(runner: Runner, server: Server) -> None:
    mixed = commands.pipeline_of([commands.lpush(Key("list"), b"x"), incrby("list", 1), incrby("n", 1)])
    with pytest.raises(RedisCommandError, match=r"^WRONGTYPE"):
        runner.execute(mixed)
    assert server.command("GET", "n") == b"1"
    # The connection is in step: an answer too many or too few would show here.
    assert [runner.execute(incrby("n", 1)) for _ in range(3)] == [2, 3, 4]


def test_a_transaction_gives_every_result(runner: Runner) -> None:
    assert runner.execute(commands.transaction(commands.lpush(Key("list"), b"x"), commands.llen(Key("list")))) == [
        1,
        1,
    ]


def test_a_transaction_with_an_error_inside_raises_it(runner: Runner, server: Server) -> None:
    with pytest.raises(RedisCommandError, match=r"^WRONGTYPE"):
        runner.execute(commands.transaction(commands.lpush(Key("list"), b"x"), incrby("list", 1)))
    assert server.command("LLEN", "list") == 1
    assert runner.execute(commands.llen(Key("list"))) == 1


def test_a_transaction_that_the_server_will_not_even_queue_does_nothing(runner: Runner, server: Server) -> None:
    bad: Command[Any] = Command("NO-SUCH-COMMAND", read=commands.as_is)
    with pytest.raises(RedisCommandError, match="unknown command"):
        runner.execute(commands.transaction(commands.lpush(Key("list"), b"x"), bad))
    assert server.command("LLEN", "list") == 0
    assert runner.execute(commands.llen(Key("list"))) == 0


def test_a_script_is_loaded_where_the_server_lacks_it(runner: Runner, server: Server) -> None:
    server.command("LPUSH", "a", *"123")
    for left in (2, 1, 0):
        server.command("SCRIPT", "FLUSH")
        assert runner.execute(scripts.requeue(Key("a"), Key("b"), 1)) == 1
        assert server.command("LLEN", "a") == left
    assert server.command("LRANGE", "b", 0, -1) == [b"1", b"2", b"3"]


def test_scripts_in_a_pipeline_are_loaded_and_nothing_runs_twice(runner: Runner, server: Server) -> None:
    server.command("LPUSH", "a", *"123")
    server.command("SCRIPT", "FLUSH")
    sends: list[Command[Any]] = [
        incrby("n", 1),
        scripts.requeue(Key("a"), Key("b"), 1),
        incrby("n", 1),
        scripts.give_back(Key("b"), Key("c"), Key("queues"), "c", [b"1"]),
        scripts.requeue(Key("a"), Key("b"), 1),
    ]
    assert runner.execute(commands.pipeline_of(sends)) == [1, 1, 2, Moves([True], {}), 1]
    assert server.command("GET", "n") == b"2"
    assert (server.command("LLEN", "a"), server.command("LLEN", "b"), server.command("LLEN", "c")) == (1, 1, 1)


def test_an_error_inside_a_script_is_raised(runner: Runner, server: Server) -> None:
    server.command("SET", "a", "no list")
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        runner.execute(scripts.requeue(Key("a"), Key("b"), 1))
    assert runner.execute(commands.exists(Key("b"))) is False


class Awaited:
    """Something else than a command, as a future would be."""

    def __await__(self) -> Generator["Awaited", None, None]:
        yield self


@pytest.mark.parametrize("awaited", ["the event loop", "a future"])
def test_a_plan_that_awaits_anything_else_is_told_so(runner: Runner, awaited: str) -> None:
    cleaned: list[str] = []

    async def plan() -> None:
        try:
            if awaited == "a future":
                await Awaited()
            else:
                await asyncio.sleep(0)
        finally:
            cleaned.append(awaited)

    with pytest.raises(TypeError, match="a plan awaits only teep's own commands"):
        runner.run(plan())
    assert cleaned == [awaited]


def test_a_plan_without_commands_needs_no_server(connect: Connect) -> None:
    async def plan() -> int:
        return 42

    assert connect("redis://127.0.0.1:1/0").run(plan()) == 42
