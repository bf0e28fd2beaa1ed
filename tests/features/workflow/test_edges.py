"""Each row of the table of edges: what a change of a node does to the one that comes after it, by the policy."""

import pytest

from teep.store import workflows
from teep.store.nodes import MEANS, POLICIES
from teep.wire import payload
from tests.features.workflow.world import TABLE, FlowWorld
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

AFTER = {"ok": "pushed", "cancel": "cancelled", None: "waiting"}


class Stage:
    """A workflow of `first` and of `then`, which comes after it by a policy, perhaps through a group."""

    def __init__(self, server: Server, policy: str, *, by_group: bool = False) -> None:
        self.world = FlowWorld(server)
        after = "them" if by_group else "first"
        groups = {"them": ["first"]} if by_group else {}
        self.bid = self.world.flow({"first": {}, "then": {after: policy}}, groups)
        self.child: str | None = None

    def state(self, name: str = "then") -> str:
        graph = self.world.run(workflows.read(self.bid))
        assert graph is not None
        return next(str(node.state) for node in graph.nodes if node.name == name)

    def run(self, how: str) -> None:
        """Have the next job of the queue end."""
        raw = self.world.take("one")
        assert raw is not None
        if how == "done":
            self.world.succeed("one", raw)
        else:
            self.world.settle("one", raw, how)
        self.world.check()

    def open_child(self) -> None:
        self.child = self.world.child(self.bid, "first")

    def send_back(self) -> None:
        (raw,) = self.world.entries("dead")
        self.world.enqueue("dead", raw)

    def delete(self, place: str = "dead") -> None:
        self.world.delete(place, self.world.entries(place)[0])
        self.world.check()


def play(stage: Stage, change: str) -> None:
    """Have the first node change so; the change is the last thing that happens."""
    match change:
        case "pushed -> succeeded":
            stage.run("done")
        case "pushed -> failed":
            stage.run("dead")
        case "pushed -> discarded":
            stage.run("discarded")
        case "failed -> succeeded":
            play(stage, "pushed -> failed")
            stage.send_back()
            _run_first(stage, "done")
        case "failed -> discarded":
            play(stage, "pushed -> failed")
            stage.delete()
        case "pushed -> ran":
            stage.open_child()
            stage.run("done")
        case "ran -> succeeded":
            play(stage, "pushed -> ran")
            stage.run("done")
        case "ran -> failed":
            play(stage, "pushed -> ran")
            stage.run("dead")


def _run_first(stage: Stage, how: str) -> None:
    """Run what waits until the job of the first node has ended so: others may be before it."""
    while stage.state("first") == "failed":
        raw = stage.world.entries("queue")[-1]
        stage.run(how if payload.parse(raw).get("node") == "first" else "behind")


CHANGES = [change for change in TABLE if not change.startswith("waiting")]


@pytest.mark.parametrize("by_group", [False, True], ids=["node", "group"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_row_of_the_table(server: Server, change: str, policy: str, by_group: bool) -> None:
    stage = Stage(server, policy, by_group=by_group)
    play(stage, change)
    assert stage.state("first") == change.partition(" -> ")[2]
    what = TABLE[change].get(policy)
    if what is None and change.startswith("failed"):
        what = TABLE["pushed -> failed"].get(policy)  # the edge was resolved before
    assert stage.state() == AFTER[what]


@pytest.mark.parametrize("by_group", [False, True], ids=["node", "group"])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_never_pushed(server: Server, policy: str, by_group: bool) -> None:
    world = FlowWorld(server)
    groups = {"them": ["second"]} if by_group else {}
    shape = {"first": {}, "second": {"first": "stop"}, "then": {"them" if by_group else "second": policy}}
    bid = world.flow(shape, groups)
    raw = world.take("one")
    assert raw is not None
    world.settle("one", raw, "dead")
    world.check()
    graph = world.run(workflows.read(bid))
    assert [node.state for node in graph.nodes] == [
        "failed",
        "cancelled",
        "pushed" if policy == "always" else "cancelled",
    ]


def test_the_table_in_the_store_is_this_one() -> None:
    for state, means in MEANS.items():
        former = "waiting" if state == "cancelled" else "pushed"
        assert means == TABLE[f"{former} -> {state}"]


def test_a_node_after_a_group_and_one_of_it_waits_by_both_policies() -> None:
    node = workflows.Node("n", "j", "k", "q", {"them": "hold", "a": "skip"}, 0.0, 0.0, "waiting", 0.0, "")
    groups = {"them": ["a", "b"]}
    assert workflows.waits_for(node, groups, {"a": "failed", "b": "succeeded"}) == ["a"]
    assert workflows.waits_for(node, groups, {"a": "succeeded", "b": "pushed"}) == ["b"]
    assert workflows.waits_for(node, groups, {"a": "pushed", "b": "pushed"}) == ["a", "b"]
