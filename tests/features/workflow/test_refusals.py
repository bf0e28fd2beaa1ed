"""Redis may refuse any command of a step of a workflow: no job is lost or doubled, and the workflow can be mended."""

import contextlib
from collections import Counter
from itertools import pairwise

import pytest

from teep.config import Config
from teep.errors import RedisError
from teep.store import batches, workflows
from teep.store.jobs import lost
from teep.wire import payload
from teep.wire.scripts.script import load
from tests.features.workflow.world import FlowWorld
from tests.support.refusing import allow, commands_of
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

COMMANDS = sorted({*commands_of(load("step")), *commands_of(load("running/exchange"))})
SHAPE = {
    "first": {},
    "second": {},
    "stops": {"first": "stop"},
    "skips": {"first": "skip", "second": "skip"},
    "cleans": {"them": "always"},
    "last": {"cleans": "stop"},
}


class Limited(FlowWorld):
    """A world whose user may be forbidden commands."""

    def __init__(self, server: Server, limited: Config) -> None:
        super().__init__(server)
        from teep.client import Client
        from teep.config import driver_for

        self.config, self.client, self.driver = limited, Client(limited), driver_for(limited)

    def jids(self) -> Counter[str]:
        places = [raw for place in ("queue", "retry", "dead") for raw in self.entries(place)]
        return Counter(payload.parse(raw)["jid"] for raw in [*places, *self._in_flight("one")])


@pytest.mark.parametrize("command", commands_of(load("step")))
def test_a_start_is_done_whole_or_not_at_all(server: Server, limited: Config, command: str) -> None:
    world = Limited(server, limited)
    allow(server, f"-{command.lower()}")
    with contextlib.suppress(RedisError):
        world.flow(SHAPE, {"them": ["first", "second"]})
    allow(server)
    (bid,) = world.model.flows
    graph = world.run(workflows.read(bid))
    if graph is None:
        assert not world.jids()
        assert server.command("KEYS", "{teep:batch:*") == []
        return
    world.run(batches.decide(bid))
    graph = world.run(workflows.read(bid))
    assert len(graph.nodes) == len(SHAPE)
    assert {node.name for node in graph.nodes if node.state == "pushed"} == {"first", "second"}
    assert world.jids() == {node.jid: 1 for node in graph.nodes if node.state == "pushed"}


@pytest.mark.parametrize("how", ["done", "dead", "discarded"])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_end_is_handed_on_or_can_be(server: Server, limited: Config, how: str, command: str) -> None:
    world = Limited(server, limited)
    bid = world.flow(SHAPE, {"them": ["first", "second"]})
    allow(server, f"-{command.lower()}")
    raws = []
    for _ in range(2):
        with contextlib.suppress(RedisError):
            raws.append(world.take("one"))
    for raw in filter(None, raws):
        _end(world, raw, how)
    allow(server)
    for raw in world._in_flight("one"):
        _end(world, raw, how)  # what was refused is tried again
    for _ in range(20):
        world.run(lost.reconcile(bid))
        world.run(batches.decide(bid))
        graph = world.run(workflows.read(bid))
        assert max(world.jids().values(), default=1) == 1
        if (more := world.take("one")) is None:
            break
        _end(world, more, "done")
    graph = world.run(workflows.read(bid))
    found = {node.name: node.state for node in graph.nodes}
    if how == "dead" and graph.record.sizes.pending != graph.record.sizes.dead:
        return  # a death that could not be noted, as in any batch: the job waits in the dead set for someone
    assert not {"waiting", "ran"} & set(found.values())
    assert found["last"] == found["cleans"] == "succeeded"
    assert "fired:finish" in graph.record.fields


def _end(world: Limited, raw: bytes, how: str) -> None:
    with contextlib.suppress(RedisError, AssertionError):
        if how == "done":
            world.succeed("one", raw)
        else:
            world.settle("one", raw, how)


def test_a_node_that_redis_refuses_is_pushed_when_it_takes_it(server: Server, limited: Config) -> None:
    world = Limited(server, limited)
    bid = world.flow({"first": {}, "then": {"first": "stop"}})
    raw = world.take("one")
    assert raw is not None
    server.command("SET", "queue:q", "a string")
    _end(world, raw, "done")
    graph = world.run(workflows.read(bid))
    assert [node.state for node in graph.nodes] == ["succeeded", "waiting"]
    assert "fired:finish" not in graph.record.fields
    server.command("DEL", "queue:q")
    world.run(batches.decide(bid))
    world.run(batches.decide(bid))
    assert len(world.entries("queue")) == 1


def test_what_is_cancelled_is_cancelled_once_though_redis_keeps_it_among_those_that_wait(
    server: Server,
    limited: Config,
) -> None:
    """Forty layers of three: there are more ways through them than any script could go."""
    world = Limited(server, limited)
    layers = [[f"{layer}.{number}" for number in range(3)] for layer in range(40)]
    shape = {"first": {}, **{name: {"first": "stop"} for name in layers[0]}}
    for before, layer in pairwise(layers):
        shape |= {name: dict.fromkeys(before, "stop") for name in layer}
    bid = world.flow(shape, {})
    raw = world.take("one")
    assert raw is not None
    allow(server, "-hdel")
    _end(world, raw, "dead")
    allow(server)
    world.run(batches.decide(bid))
    graph = world.run(workflows.read(bid))
    assert Counter(node.state for node in graph.nodes) == {"failed": 1, "cancelled": 120}


@pytest.mark.parametrize("behind", [{}, {"then": {"first": "stop"}}])
def test_a_success_that_redis_does_not_note_is_one_all_the_same(
    server: Server,
    limited: Config,
    behind: dict[str, dict[str, str]],
) -> None:
    world = Limited(server, limited)
    bid = world.flow({"first": {}, **behind})
    raw = world.take("one")
    assert raw is not None
    allow(server, "-hset")
    _end(world, raw, "done")
    allow(server)
    world.run(lost.reconcile(bid))
    graph = world.run(workflows.read(bid))
    assert [node.state for node in graph.nodes] == ["succeeded", *("pushed" for _ in behind)]
    assert graph.record.fields.get("discarded") is None
    assert ("fired:success" in graph.record.fields) == (not behind)
    assert world.jids().keys() >= {node.jid for node in graph.nodes if node.state == "pushed"}
