"""The nodes of a workflow in tests without Redis: the same rules in memory, by which one releases others."""

import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from teep.errors import InvalidValue
from teep.store.nodes import MEANS, NewNode, NewNodes, NodeState, Policy
from teep.wire import json, payload

# What stands before the time in the payload of a job that goes to its queue at once.
_ENQUEUED_AT = b',"enqueued_at":'


class Pushed(NamedTuple):
    """A job that follows from others: its jid and payload, and when it is due (None: it waits in its queue)."""

    jid: str
    raw: bytes
    score: float | None = None


class Nodes:
    """The nodes of a workflow: one that is over releases those after it, or cancels them.

    The methods that tell what one has become return the jobs that follow from it. In a test a dead job is gone, so
    no node leaves its last state.
    """

    def __init__(self) -> None:
        self._states: dict[str, NodeState] = {}
        self._added: dict[str, NewNode] = {}
        self._groups: dict[str, Sequence[str]] = {}
        self._open: dict[str, int] = {}  # edges that are not resolved
        self._dependants: dict[str, list[tuple[str, Policy]]] = {}
        self._children: dict[str, set[str]] = {}
        self._fallen: set[str] = set()  # nodes with a child that has finished without success

    def add(self, new: NewNodes) -> None:
        """Add nodes, each after those that it waits for.

        Raises:
            InvalidValue: a name is taken, or one comes after a node that there is not; nothing was added.
        """
        names = [*(node.name for node in new.nodes), *new.groups]
        if taken := [name for name in names if name in self._added or name in self._groups]:
            raise InvalidValue(f"the workflow has a node or group {taken[0]!r} already; choose another name")
        if unknown := [name for name in new.outside if name not in self._added and name not in self._groups]:
            raise InvalidValue(f"the workflow has no node or group {unknown[0]!r} to come after")
        self._groups.update(new.groups)
        for node in new.nodes:
            self._add(node)

    def _add(self, node: NewNode) -> None:
        edges: list[tuple[str, Policy]] = [
            (name, policy) for after, policy in node.after.items() for name in self._groups.get(after, (after,))
        ]
        means = [MEANS.get(self._states[name], {}).get(policy) for name, policy in edges]
        for name, policy in edges:
            self._dependants.setdefault(name, []).append((node.name, policy))
        self._added[node.name] = node
        self._open[node.name] = means.count(None)
        self._states[node.name] = "cancelled" if "cancel" in means else "waiting"

    def release(self, names: Sequence[str]) -> list[Pushed]:
        """Push nodes that wait for none: those with these names, or all."""
        chosen = names or [name for name, state in self._states.items() if state == "waiting"]
        return [self._push(name) for name in chosen if self._states[name] == "waiting" and not self._open[name]]

    def succeeded(self, name: str) -> list[Pushed]:
        """Note that the job of a node has succeeded; the node waits for its children."""
        if self._children.get(name):
            self._states[name] = "ran"
            return []
        return self._become(name, "failed" if name in self._fallen else "succeeded")

    def failed(self, name: str) -> list[Pushed]:
        return self._become(name, "failed")

    def adopt(self, name: str, bid: str) -> None:
        """Have a node be over only when a child batch is."""
        self._children.setdefault(name, set()).add(bid)

    def child_finished(self, name: str, bid: str, *, has_succeeded: bool) -> list[Pushed]:
        self._children[name].discard(bid)
        if not has_succeeded:
            self._fallen.add(name)
        return self.succeeded(name) if self._states[name] == "ran" else []

    def _become(self, name: str, state: NodeState) -> list[Pushed]:
        """Note what a node is now, and resolve the edges to those after it, and after those that are cancelled."""
        released = []
        self._states[name] = state
        changed = deque([name])
        while changed:
            before = changed.popleft()
            for after, policy in self._dependants.get(before, ()):
                means = MEANS[self._states[before]].get(policy)
                if self._states[after] != "waiting" or means is None:
                    continue
                self._open[after] -= 1
                if means == "cancel":
                    self._states[after] = "cancelled"
                    changed.append(after)
                elif not self._open[after]:
                    released.append(self._push(after))
        return released

    def _push(self, name: str) -> Pushed:
        self._states[name] = "pushed"
        node, now = self._added[name], time.time()
        due = max(now + (node.delay or 0), node.at or 0)
        if due > now:
            return Pushed(node.jid, node.head.removesuffix(_ENQUEUED_AT) + node.tail, due)
        return Pushed(node.jid, node.head + json.dumps(payload.stamp(now, node.unit)) + node.tail)
