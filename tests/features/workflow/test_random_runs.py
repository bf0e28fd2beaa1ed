"""Random runs of random graphs: whatever happens to the jobs, a workflow is what the rules say after each step."""

import random
from collections.abc import Mapping

import pytest

from teep.store.nodes import POLICIES
from tests.features.batch.test_random_runs import Run
from tests.features.workflow.world import FlowWorld
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

Shape = dict[str, dict[str, str]]


class FlowRun(Run):
    """One random run; its actions are those of batches, and those that workflows have beside them."""

    world: FlowWorld

    def __init__(self, world: FlowWorld, seed: int) -> None:
        super().__init__(world, seed, in_steps=0.3)
        self.actions += [(self.append, 2), (self.node_child, 2), (self.cancel, 1), (self.retry, 2)]
        self.appended = 0

    def play(self, steps: int) -> None:
        for _ in range(self.choose.randint(1, 2)):
            shape = self.shape()
            self.world.flow(*self.grouped(shape))
            self.world.check()
        super().play(steps)

    def shape(self) -> Shape:
        """Return a random graph."""
        names = [f"n{number}" for number in range(self.choose.randint(1, 9))]
        return {name: self.after(names[:at]) for at, name in enumerate(names)}

    def after(self, names: list[str]) -> dict[str, str]:
        some = self.choose.sample(names, self.choose.randint(0, min(3, len(names))))
        return {name: self.choose.choice(POLICIES) for name in some}

    def grouped(self, shape: Shape) -> tuple[Shape, Mapping[str, list[str]]]:
        """Have the last nodes come after a group of earlier ones, by two policies."""
        names = list(shape)
        if len(names) < 4:
            return shape, {}
        for name in names[-2:]:
            if self.choose.random() < 0.7:
                shape[name] = {"group": self.choose.choice(POLICIES)}
        return shape, {"group": names[: self.choose.randint(2, len(names) - 2)]}

    def _flow(self) -> str:
        return self.choose.choice(list(self.world.model.flows))

    def append(self) -> None:
        bid = self._flow()
        self.appended += 1
        flow = self.world.model.flows[bid]
        names = [*flow.nodes, *flow.groups]
        if len(flow.nodes) < 14:
            # A node that is appended after a group and a member of it has two edges to that one: the model has one.
            self.world.append(bid, {f"more {self.appended}": dict([*self.after(names).items()][:1])})

    def node_child(self) -> None:
        bid = self._flow()
        nodes = self.world.model.flows[bid].nodes
        pushed = [name for name, node in nodes.items() if node.state in ("pushed", "failed")]
        if pushed and len(self.world.model.batches) < 8:
            self.world.child(bid, self.choose.choice(pushed))

    def cancel(self) -> None:
        self.world.cancel(self._flow())

    def retry(self) -> None:
        bid = self._flow()
        nodes = list(self.world.model.flows[bid].nodes)
        self.world.retry(bid, self.choose.sample(nodes, self.choose.randint(1, len(nodes))))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_each_node_is_pushed_when_its_time_has_come(server: Server, seed: int) -> None:
    world = FlowWorld(server)
    FlowRun(world, seed).play(120)
    for bid, batch in world.model.batches.items():
        assert set(batch.jobs.values()) <= {"dead"}
        assert "finish" in batch.fired
        fired = [event for event in batch.fired if event != "death"]
        assert fired in (["complete", "finish"], ["complete", "success", "finish"], ["complete", "finish", "success"])
        for key in server.command("KEYS", f"{{teep:batch:{bid}}}*"):
            assert server.command("PTTL", key) > 0, key
    for flow in world.model.flows.values():
        behind = {name for name in flow.waiting if "hold" in flow.nodes[name].edges.values()}
        while more := {name for name in flow.waiting - behind if behind & flow.nodes[name].open}:
            behind |= more
        assert behind == flow.waiting, "what waits is behind a hold"


def test_random_graphs_are_not_trivial() -> None:
    run = FlowRun.__new__(FlowRun)
    run.choose = random.Random(1)
    shapes = [run.grouped(run.shape()) for _ in range(50)]
    assert sum(len(after) for shape, _ in shapes for after in shape.values()) > 200
    assert sum(bool(groups) for _, groups in shapes) > 20
