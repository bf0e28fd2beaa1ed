"""Every command tells which of its arguments are keys, as Redis itself does."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from teep.drivers import Driver
from teep.errors import RedisCommandError
from teep.wire import commands, keys
from teep.wire.command import Command
from teep.wire.scripts.script import ScriptCall, load
from tests.support.servers import Server

SAMPLES: dict[str, Any] = {
    "key": keys.Key("a"), "source": keys.Key("a"), "target": keys.Key("b"), "keys": [keys.Key("a"), keys.Key("b")],
    "values": {keys.Key("a"): 1, keys.Key("b"): 2}, "fields": {"f": 1, "g": 2}, "scored": [(1.5, b"m")],
    "member": b"m", "members": [b"m"], "value": b"v", "field": "f", "match": "*", "section": "server",
    "low": "1", "high": "2", "start": 0, "stop": 1, "index": 0, "count": 1, "cursor": 0, "seconds": 1, "at": 1.5,
    "offset": 0, "read": lambda *_: None,
}  # fmt: skip


def _builders() -> Iterator[Callable[..., Command[Any]]]:
    for name, function in inspect.getmembers(commands, inspect.isfunction):
        returned = str(inspect.signature(function).return_annotation)
        if function.__module__ == commands.__name__ and "Command[" in returned and not name.startswith("_"):
            yield function


def _sample(builder: Callable[..., Command[Any]]) -> Command[Any]:
    given: list[Any] = []
    for name, parameter in inspect.signature(builder).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            given += SAMPLES[name]
        elif parameter.default is parameter.empty:
            given.append(SAMPLES[name])
    return builder(*given)


OF_OTHERS = ("pipeline", "pipeline_of", "transaction", "shortened")
SINGLE = [builder for builder in _builders() if builder.__name__ not in OF_OTHERS]


def _told_by(server: Server, command: Command[Any]) -> tuple[str, ...]:
    ask = Command("COMMAND", "GETKEYS", *command.args, read=lambda reply: tuple(map(commands.text, reply)))
    driver = Driver(server.url)
    try:
        return driver.execute(ask)
    except RedisCommandError as error:
        if "no key arguments" not in str(error):
            raise
        return ()
    finally:
        driver.close()


@pytest.mark.parametrize("builder", SINGLE, ids=lambda builder: builder.__name__)
def test_it_has_the_keys_that_redis_finds(builder: Callable[..., Command[Any]], valkey: Server) -> None:
    command = _sample(builder)
    assert command.keys == _told_by(valkey, command)


def test_a_script_has_those_that_it_counts(valkey: Server) -> None:
    call: Command[Any] = ScriptCall(
        load("running/in_flight_payloads"), [keys.queue("a"), keys.queue("b")], (), read=list
    )
    assert call.keys == _told_by(valkey, call) == ("queue:a", "queue:b")


def test_several_have_those_of_all() -> None:
    pair = (commands.get(keys.queues()), commands.unlink(keys.retry(), keys.dead()))
    assert commands.pipeline(*pair).keys == ("queues", "retry", "dead")
    assert commands.transaction(*pair).keys == ("queues", "retry", "dead")
    assert commands.shortened(commands.brpop_text([keys.retry()], 5, lambda *_: None), 1.0).keys == ("retry",)
