"""Every order in which two workers and a user, that deletes, retries or cancels, take their steps in a small graph.

As `tests/features/batch/test_interleavings.py`: a step is one command or script, as Redis carries it out.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.features.batch.test_interleavings import DELETER, Worker, orders
from tests.features.workflow.world import FlowWorld
from tests.support.servers import Server

pytestmark = [pytest.mark.one_server, pytest.mark.slow("each order of the steps of three is a run of its own")]

SHAPE = {
    "a": {},
    "b": {},
    "both": {"a": "stop", "b": "skip"},
    "held": {"b": "hold"},
    "clean": {"both": "always", "held": "always"},
}


def _bid(world: FlowWorld) -> str:
    return next(iter(world.model.flows))


def _retry(world: FlowWorld) -> None:
    world.retry(_bid(world), ["a", "b", "both"])


def _cancel(world: FlowWorld) -> None:
    world.cancel(_bid(world))


def _append(world: FlowWorld) -> None:
    world.append(_bid(world), {"more": {"both": "skip"}})


PLAYED = [
    *(pytest.param(*ends, DELETER, id=f"{'-'.join(ends)}-deleter") for ends in [("done", "done"), ("done", "dead")]),
    pytest.param("dead", "discarded", [_retry, _append], id="dead-discarded-retry"),
    pytest.param("dead", "done", [_append, _cancel], id="dead-done-cancel"),
]


@pytest.mark.parametrize(("first", "second", "third"), PLAYED)
def test_two_workers_and_another(server: Server, first: str, second: str, third: Any) -> None:
    _play(server, lambda: (Worker("one", first).steps, Worker("two", second).steps, third))


def test_a_worker_that_is_given_up_and_goes_on_and_another(server: Server) -> None:
    _play(server, lambda: (Worker("one", "done").steps_with_rescue, Worker("two", "done").steps, [_append]))


def _play(server: Server, make: Callable[[], tuple[Any, ...]]) -> None:
    for number in range(len(list(orders(*make())))):
        server.flushall()
        world = FlowWorld(server)
        bid = world.flow(SHAPE)
        for step in list(orders(*make()))[number]:
            step(world)
            world.check()
        while (raw := world.take("last")) is not None:
            world.succeed("last", raw)
            world.check()
        flow, batch = world.model.flows[bid], world.model.batches[bid]
        assert "finish" in batch.fired
        assert flow.waiting <= {"held", "clean"}
        assert not flow.waiting or flow.nodes["b"].state == "failed"
