"""The fleet in miniature of `tests/features/batch/world.py`, with workflows, and a model of what these must be.

The model knows nothing of gates, counters or Redis: each node has a state and a set of open edges, one for each node
that it comes after, and each change of a state does to the edges what the table in the docs says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import teep
from teep.client.batches import Batch
from teep.client.batches.watched import Watched
from teep.client.client import BoundJob
from teep.client.workflows import Workflow
from teep.store import workflows
from teep.store.batches import EVENTS, Event
from teep.wire import keys, payload
from tests.features.batch.world import WORKERS, Expected, Model, World
from tests.support.servers import Server

# A change of a state, and what it does to an edge: it is "ok", or "cancel"s the node; else nothing.
TABLE: Mapping[str, Mapping[str, str]] = {
    "waiting -> succeeded": {},
    "pushed -> succeeded": {"stop": "ok", "skip": "ok", "hold": "ok", "always": "ok"},
    "ran -> succeeded": {"stop": "ok", "skip": "ok", "hold": "ok", "always": "ok"},
    "pushed -> ran": {},
    "pushed -> failed": {"stop": "cancel", "skip": "ok", "always": "ok"},
    "ran -> failed": {"stop": "cancel", "skip": "ok", "always": "ok"},
    "failed -> succeeded": {"hold": "ok"},
    "failed -> discarded": {"hold": "cancel"},
    "pushed -> discarded": {"stop": "cancel", "skip": "ok", "hold": "cancel", "always": "ok"},
    "waiting -> cancelled": {"stop": "cancel", "skip": "cancel", "hold": "cancel", "always": "ok"},
}


class Call(BoundJob):
    """A job "member" of the queue "q", as a node takes it."""

    @property
    def due(self) -> None:
        return None

    def to_payload(self, args: Any = (), kwargs: Any = None) -> dict[str, Any]:
        return {"class": "member", "args": [], "queue": "q"}


@dataclass
class Node:
    """A node as it must be."""

    jid: str
    edges: dict[str, str]  # the node before it -> policy
    state: str = "waiting"
    open: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    fallen: set[str] = field(default_factory=set)


@dataclass
class Flow:
    """What a workflow has beside its batch."""

    nodes: dict[str, Node] = field(default_factory=dict)
    groups: dict[str, Sequence[str]] = field(default_factory=dict)
    is_reopened: bool = False
    is_invalid: bool = False

    @property
    def waiting(self) -> set[str]:
        return {name for name, node in self.nodes.items() if node.state == "waiting"}

    @property
    def cancelled(self) -> set[str]:
        return {name for name, node in self.nodes.items() if node.state == "cancelled"}

    def named(self, jid: str) -> str | None:
        return next((name for name, node in self.nodes.items() if node.jid == jid), None)


def _now(state: str, policy: str) -> str | None:
    """Return what a state means for an edge that is looked at now, by the rows of the table that lead to it."""
    former = {"cancelled": "waiting"}.get(state, "pushed")
    return TABLE.get(f"{former} -> {state}", {}).get(policy)


class FlowModel(Model):
    """The rules, with those of workflows."""

    def __init__(self) -> None:
        super().__init__()
        self.flows: dict[str, Flow] = {}
        self.nodes_of: dict[str, tuple[str, str]] = {}  # a child batch -> the workflow and node that it is a child of

    def end(self, jid: str, how: str) -> None:
        found = self.of_job(jid)
        name = self.flows[found[0]].named(jid) if found and found[0] in self.flows else None
        if found and name is not None and how != "failed":
            node = self.flows[found[0]].nodes[name]
            if how == "done":
                self._job_succeeded(found[0], name)
            elif how == "dead":
                if node.state == "pushed":
                    self.change(found[0], name, "failed")
            else:
                self.change(found[0], name, "discarded")
        super().end(jid, how)

    def _job_succeeded(self, bid: str, name: str) -> None:
        node = self.flows[bid].nodes[name]
        if not node.children | node.fallen:
            self.change(bid, name, "succeeded")
        elif node.state == "pushed":
            self.change(bid, name, "ran" if node.children else "failed")

    def change(self, bid: str, name: str, state: str) -> None:
        flow = self.flows[bid]
        node = flow.nodes[name]
        means = TABLE[f"{node.state} -> {state}"]
        node.state = state
        for after, other in flow.nodes.items():
            if name in other.edges and other.state == "waiting" and name in other.open:
                self._resolve(bid, after, name, means.get(other.edges[name]))

    def _resolve(self, bid: str, name: str, before: str, what: str | None) -> None:
        node = self.flows[bid].nodes[name]
        if what == "cancel":
            self.change(bid, name, "cancelled")
        elif what == "ok":
            node.open.discard(before)
            if not node.open:
                self.release(bid, name)

    def release(self, bid: str, name: str) -> None:
        node = self.flows[bid].nodes[name]
        node.state = "pushed"
        self.batches[bid].jobs[node.jid] = "new"

    def add(self, bid: str, name: str, jid: str, edges: Mapping[str, str]) -> None:
        """Add a node after nodes; what these are already counts."""
        flow = self.flows[bid]
        node = flow.nodes[name] = Node(jid, dict(edges))
        means = {before: _now(flow.nodes[before].state, policy) for before, policy in edges.items()}
        node.open = {before for before, what in means.items() if what is None}
        self.batches[bid].total += 1
        if "cancel" in means.values():
            node.state = "cancelled"

    def begin(self, bid: str) -> None:
        for name in sorted(self.flows[bid].waiting):
            if not self.flows[bid].nodes[name].open:
                self.release(bid, name)
        self.decide(bid)

    def cancel(self, bid: str) -> None:
        flow = self.flows[bid]
        flow.is_invalid = True
        for name in sorted(flow.waiting):
            node = flow.nodes[name]
            if node.state == "waiting" and set(node.edges.values()) != {"always"}:
                self.change(bid, name, "cancelled")
        self.decide(bid)

    def retry(self, bid: str, names: Iterable[str]) -> None:
        flow, batch = self.flows[bid], self.batches[bid]
        flow.is_reopened |= "finish" in batch.fired
        flow.is_invalid = False
        again = set(names)
        for name in again:
            node = flow.nodes[name]
            if node.state == "failed" and node.jid in batch.jobs:
                node.state = "pushed"
            elif node.state == "discarded":
                self.release(bid, name)
                batch.discarded -= 1
        while back := [name for name in flow.cancelled if self._may_wait(flow, name, again)]:
            for name in back:
                flow.nodes[name].state = "waiting"
            again |= set(back)
        for name in sorted(flow.waiting):
            node = flow.nodes[name]
            if name in again or again & node.edges.keys():
                node.open = {of for of, policy in node.edges.items() if _now(flow.nodes[of].state, policy) is None}
                if not node.open:
                    self.release(bid, name)
        self.decide(bid)

    @staticmethod
    def _may_wait(flow: Flow, name: str, again: set[str]) -> bool:
        node = flow.nodes[name]
        is_meant = name in again or bool(again & node.edges.keys())
        return is_meant and not any(_now(flow.nodes[of].state, by) == "cancel" for of, by in node.edges.items())

    def decide(self, bid: str) -> None:
        if bid in self.flows:
            batch, flow = self.batches[bid], self.flows[bid]
            if "new" in batch.jobs.values() or batch.children:
                return
            is_over = all(state == "dead" for state in batch.jobs.values())
            if flow.waiting and not is_over:
                return
            if not batch.jobs and not flow.waiting:
                flow.is_reopened = False
        super().decide(bid)

    def is_closed(self, bid: str) -> bool:
        flow = self.flows.get(bid)
        return super().is_closed(bid) and not (flow and flow.is_reopened)

    def may_succeed(self, bid: str) -> bool:
        flow = self.flows.get(bid)
        return flow is None or not (flow.is_invalid or flow.waiting | flow.cancelled)

    def child_over(self, bid: str, *, has_succeeded: bool) -> None:
        if bid not in self.nodes_of:
            return
        of, name = self.nodes_of[bid]
        node = self.flows[of].nodes[name]
        node.children.discard(bid)
        node.fallen.discard(bid)
        if not has_succeeded:
            node.fallen.add(bid)
        if node.children:
            return
        if node.state == "ran":
            self.change(of, name, "failed" if node.fallen else "succeeded")
        elif node.state == "failed" and not node.fallen and node.jid not in self.batches[of].jobs:
            self.change(of, name, "succeeded")


class FlowWorld(World):
    """Redis, two processes, and the model."""

    model: FlowModel

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.model = FlowModel()

    def flow(self, shape: Mapping[str, Mapping[str, str]], groups: Mapping[str, Sequence[str]] | None = None) -> str:
        """Start a workflow: its nodes, and what each comes after by which policy; it may come after groups."""
        workflow = Workflow(config=self.config)
        expected = Expected(None)
        expected.callbacks = self._callbacks(workflow)
        self.model.batches[workflow.bid] = expected
        self.model.flows[workflow.bid] = Flow(groups=dict(groups or {}))
        self._add(workflow, shape)
        workflow.drafts.groups.update({name: tuple(those) for name, those in (groups or {}).items()})
        workflow.start()
        self.model.begin(workflow.bid)
        return workflow.bid

    @staticmethod
    def _callbacks(watched: Watched) -> dict[Event, str]:
        for event in EVENTS:
            watched.on(event, "callback", event, watched.bid)
            watched._callbacks[-1][1]["queue"] = "q"
        return {event: item["jid"] for event, item in watched._callbacks}

    def append(self, bid: str, shape: Mapping[str, Mapping[str, str]]) -> bool:
        """Add nodes; False where the workflow has finished."""
        workflow = Workflow(bid=bid, config=self.config)
        if self.model.is_closed(bid):
            for name, after in shape.items():
                workflow.add(name, Call(), after=dict(after))
            try:
                workflow.start()
            except teep.BatchClosed:
                return False
            raise AssertionError("a workflow that has finished took a node")
        self._add(workflow, shape)
        workflow.start()
        self.model.begin(bid)
        return True

    def _add(self, workflow: Workflow, shape: Mapping[str, Mapping[str, str]]) -> None:
        flow = self.model.flows[workflow.bid]
        for name, after in shape.items():
            handle = workflow.add(name, Call(), after=dict(after))
            edges = {of: policy for before, policy in after.items() for of in flow.groups.get(before, [before])}
            self.model.add(workflow.bid, name, handle.jid, edges)

    def child(self, bid: str, name: str) -> str | None:
        """Open a child batch of a node with one job, as its job does; None where the workflow takes none."""
        workflow = Workflow(bid=bid, config=self.config)
        workflow.node = name
        batch = Batch(parent=workflow, config=self.config)
        callbacks = self._callbacks(batch)
        try:
            with batch.jobs():
                jid = self.push()
        except teep.BatchClosed:
            return None
        expected = Expected(bid, {jid: "new"}, 1)
        expected.callbacks = callbacks
        self.model.batches[batch.bid] = expected
        self.model.batches[bid].children.add(batch.bid)
        self.model.flows[bid].nodes[name].children.add(batch.bid)
        self.model.nodes_of[batch.bid] = bid, name
        return batch.bid

    def cancel(self, bid: str) -> None:
        self.run(workflows.cancel(bid))
        self.model.cancel(bid)

    def retry(self, bid: str, names: Sequence[str]) -> None:
        again = self.run(workflows.retry(bid, names))
        nodes = self.model.flows[bid].nodes
        dead = [raw for raw in self.entries("dead") if payload.parse(raw).get("node") in again]
        self.model.retry(bid, names)
        for raw in dead:
            if payload.parse(raw)["jid"] in {nodes[name].jid for name in again}:
                self.enqueue("dead", raw)

    def check(self) -> None:
        super().check()
        for bid, flow in self.model.flows.items():
            graph = self.run(workflows.read(bid))
            assert {node.name: node.state for node in graph.nodes} == {
                name: node.state for name, node in flow.nodes.items()
            }
            assert {
                node.name: set(workflows.waits_for(node, graph.groups, graph.states))
                for node in graph.nodes
                if node.state == "waiting"
            } == {name: flow.nodes[name].open for name in flow.waiting}
            assert graph.record.sizes.waiting == len(flow.waiting)
            assert graph.record.sizes.cancelled == len(flow.cancelled)
            kept = self.server.command("HKEYS", keys.workflow_part(bid, "payloads"))
            assert {name.decode() for name in kept} == {
                name for name, node in flow.nodes.items() if node.state != "succeeded"
            }
        everywhere = [raw for worker in WORKERS for raw in self._in_flight(worker)]
        everywhere += [raw for place in ("queue", "retry", "dead") for raw in self.entries(place)]
        jids = [payload.parse(raw)["jid"] for raw in everywhere]
        assert len(jids) == len(set(jids)), "a job is there twice"
