"""The nodes of a workflow as pages show them: rows of a list, which can be narrowed down."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.datastructures import QueryParams

from teep.api.workflows import AsyncWorkflowStatus, NodeStatus
from teep.web import urls
from teep.web.graph.layers import Edge, layers
from teep.web.rendering import printable

STATES = {
    "waiting": "muted", "pushed": "plain", "failing": "warn", "ran": "plain", "succeeded": "good", "failed": "bad",
    "discarded": "warn", "cancelled": "muted",
}  # fmt: skip
"""The states of a node, and how each is shown; a pushed one whose last run has failed is "failing"."""

_MOST_NAMES = 5
_SPARED = 3  # a gate saves more edges than these
_WITH_JOB = frozenset({"pushed", "failing", "failed"})
_OVER_WITHOUT_SUCCESS = frozenset({"failed", "discarded", "cancelled"})


class NodeRow(NamedTuple):
    """What is shown of a node. `path` is that of its job's page, "" if there is no job now.

    `waits_for` are the first of those that it waits for, `more` how many others there are; `after` has the first of
    those that it comes after, and their policies.
    """

    name: str
    key: str
    klass: str
    jid: str
    path: str
    state: str
    kind: str
    since: datetime
    delay: float
    group: str
    after: Sequence[tuple[str, str]]
    waits_for: Sequence[str]
    more: int
    children: Sequence[str]
    may_retry: bool


def state_of(node: NodeStatus) -> str:
    """Return the state of a node as it is shown."""
    return "failing" if node.is_failing else node.state


def row_of(node: NodeStatus) -> NodeRow:
    """Return what is shown of a node."""
    state, waits_for = state_of(node), node.waits_for
    return NodeRow(
        name=printable(node.name),
        key=urls.to_path(node.name),
        klass=printable(node.klass),
        jid=printable(node.jid),
        path=f"jobs/{urls.to_path(node.jid)}" if state in _WITH_JOB else "",
        state=state,
        kind=STATES[state],
        since=node.since,
        delay=node.delay,
        group=printable(node.group or ""),
        after=[(printable(name), policy) for name, policy in [*node.after.items()][: 2 * _MOST_NAMES]],
        waits_for=[printable(name) for name in waits_for[:_MOST_NAMES]],
        more=max(len(waits_for) - _MOST_NAMES, 0),
        children=node.children,
        may_retry=state in _OVER_WITHOUT_SUCCESS,
    )


def counts_of(nodes: Sequence[NodeStatus]) -> dict[str, int]:
    """Return how many nodes are in each state."""
    counted = Counter(map(state_of, nodes))
    return {state: counted[state] for state in STATES}


def gate_of(group: str) -> str:
    """Return the name of the gate of a group, which no node has."""
    return f"\1{group}"


def gates_of(status: AsyncWorkflowStatus) -> dict[str, Sequence[str]]:
    """Return the gates, and the nodes that lead to each: groups that would have far more edges without one."""
    used = Counter(name for node in status.nodes for name in node.after)
    return {
        gate_of(name): members
        for name, members in status.groups.items()
        if used[name] * len(members) > used[name] + len(members) + _SPARED
    }


def edges_of(status: AsyncWorkflowStatus, gates: Mapping[str, Sequence[str]]) -> list[Edge]:
    """Return the edges: between nodes, to gates, and from those to the nodes that come after them."""
    groups = status.groups
    edges = [(member, gate) for gate, members in gates.items() for member in members]
    for node in status.nodes:
        for name in node.after:
            before = (gate_of(name),) if gate_of(name) in gates else groups.get(name, (name,))
            edges += [(each, node.name) for each in before]
    return edges


def narrowed(status: AsyncWorkflowStatus, query: QueryParams) -> list[NodeStatus]:
    """Return the nodes that a query asks for: by `state`, `group`, `layers` ("2-5"), and a part of a name, `q`."""
    state, group, wanted = query.get("state", ""), query.get("group", ""), query.get("q", "").strip().casefold()
    found = [
        node
        for node in status.nodes
        if (not group or node.group == group)
        and (state not in STATES or state_of(node) == state)
        and (not wanted or any(wanted in printable(text).casefold() for text in (node.name, node.klass)))
    ]
    first, last = (urls.integer(QueryParams({"n": part}), "n", range(1_000_000), -1) for part in _ends(query))
    if first < 0 or last < 0:
        return found
    gates = gates_of(status)
    layer_of = layers([*(node.name for node in status.nodes), *gates], edges_of(status, gates))
    return [node for node in found if first <= layer_of[node.name] <= last]


def _ends(query: QueryParams) -> tuple[str, str]:
    first, _, last = query.get("layers", "").partition("-")
    return first, last
