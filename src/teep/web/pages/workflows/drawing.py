"""The graph of a workflow as a picture: boxes, gates and lines, ready to be written as SVG."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from teep.api.workflows import AsyncWorkflowStatus, NodeStatus
from teep.web.graph.clusters import Cluster, clustered
from teep.web.graph.layers import Edge
from teep.web.graph.layout import Layout, laid_out
from teep.web.pages.workflows.nodes import STATES, NodeRow, edges_of, gate_of, gates_of, row_of, state_of
from teep.web.rendering import printable

MOST = 300
"""Nodes that are drawn one by one. Of more, those that stand together become one."""

WIDTH, HEIGHT = 190.0, 44.0
"""The size of a node's box."""

_DOT = 10.0
_LABEL = 22


class Box(NamedTuple):
    """A box: a node (`row`), or several (`counts` by state), which `query` finds in the list."""

    x: float
    y: float
    label: str
    title: str
    row: NodeRow | None
    counts: Sequence[tuple[str, int]] = ()
    query: Mapping[str, Any] | None = None

    @property
    def total(self) -> int:
        """How many nodes it stands for."""
        return sum(count for _, count in self.counts) or 1


class Wire(NamedTuple):
    """A line: its path, its policy, and whether the node at its end still waits for the one at its beginning."""

    path: str
    policy: str
    is_open: bool


class Picture(NamedTuple):
    """A drawn workflow. `dots` are its gates: places and names. `is_collapsed`: some boxes stand for many nodes."""

    width: float
    height: float
    boxes: Sequence[Box]
    dots: Sequence[tuple[float, float, str]]
    wires: Sequence[Wire]
    is_collapsed: bool


def drawn(status: AsyncWorkflowStatus) -> Picture:
    """Return the picture of a workflow."""
    gates = gates_of(status)
    edges = edges_of(status, gates)
    nodes = {node.name: node for node in status.nodes}
    if len(nodes) <= MOST:
        layout = laid_out({**dict.fromkeys(nodes, WIDTH), **dict.fromkeys(gates, _DOT)}, edges)
        boxes = [_box(layout, name, row_of(node)) for name, node in nodes.items()]
        return _picture(layout, boxes, [*gates], _wires(status, layout), is_collapsed=False)
    groups = {name: node.group or "" for name, node in nodes.items()}
    smaller = clustered({**groups, **dict.fromkeys(gates, "")}, edges, MOST)
    names = {name: [each for each in one.members if each in nodes] for name, one in smaller.clusters.items()}
    widths = {name: WIDTH if members else _DOT for name, members in names.items()}
    layout = laid_out(widths, smaller.edges)
    boxes = [
        _box(layout, name, row_of(nodes[members[0]]))
        if len(members) == 1
        else _cluster(layout, name, [nodes[member] for member in members], one)
        for name, one in smaller.clusters.items()
        if (members := names[name])
    ]
    wires = [Wire(path, "stop", is_open=False) for path in layout.lines.values()]
    return _picture(layout, boxes, [name for name in names if not names[name]], wires, is_collapsed=True)


def _wires(status: AsyncWorkflowStatus, layout: Layout) -> list[Wire]:
    policies: dict[Edge, str] = {}
    open_edges: set[Edge] = set()
    groups = status.groups
    for node in status.nodes:
        waits_for = set(node.waits_for)
        for name, policy in node.after.items():
            gate = gate_of(name)
            for before in (*groups.get(name, (name,)), gate):
                policies[before, node.name] = policy
                if before in waits_for:
                    open_edges |= {(before, node.name), (before, gate), (gate, node.name)}
    return [Wire(path, policies.get(edge, "stop"), edge in open_edges) for edge, path in layout.lines.items()]


def _box(layout: Layout, name: str, row: NodeRow) -> Box:
    x, y = layout.spots[name]
    return Box(x - WIDTH / 2, y - HEIGHT / 2, _cut(row.name), row.name, row)


def _cluster(layout: Layout, name: str, members: Sequence[NodeStatus], one: Cluster) -> Box:
    x, y = layout.spots[name]
    counted = Counter(map(state_of, members))
    label = printable(one.group or f"{members[0].name} … {members[-1].name}")
    query = {"group": one.group} if one.group else {"layers": f"{one.first}-{one.last}"}
    counts = [(state, counted[state]) for state in STATES if counted[state]]
    return Box(x - WIDTH / 2, y - HEIGHT / 2, _cut(label), label, None, counts, query)


def _picture(
    layout: Layout, boxes: Sequence[Box], gates: Sequence[str], wires: Sequence[Wire], *, is_collapsed: bool
) -> Picture:
    dots = [(layout.spots[gate].x, layout.spots[gate].y, printable(gate[1:])) for gate in gates]
    return Picture(layout.width, layout.height, boxes, dots, wires, is_collapsed)


def _cut(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"
