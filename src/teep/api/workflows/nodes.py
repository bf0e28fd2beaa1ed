"""The nodes of a workflow as they were read: what each is, and what it waits for."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from teep.client.times import shown
from teep.errors import InvalidValue
from teep.store.nodes import NodeState, Policy
from teep.store.workflows import Graph, Node, waits_for


class NodeStatus:
    """A node of a workflow: a job that is pushed once those before it are over.

    | state | the node |
    |---|---|
    | `"waiting"` | waits for those before it, see `waits_for` |
    | `"pushed"` | is a job like any other: it is queued, or scheduled, runs, or is retried (`is_failing`) |
    | `"ran"` | has succeeded, and waits for batches and workflows that are children of it |
    | `"succeeded"` | has succeeded |
    | `"failed"` | is dead, or a child of it has not succeeded |
    | `"discarded"` | was discarded, deleted or cancelled, or has expired |
    | `"cancelled"` | was never pushed, because of one before it, or because the workflow was cancelled |
    """

    __slots__ = ("_nodes", "_of")

    def __init__(self, of: Node, nodes: "Nodes") -> None:
        self._of = of
        self._nodes = nodes

    @property
    def name(self) -> str:
        return self._of.name

    @property
    def jid(self) -> str:
        """The jid of its job, also before that is pushed."""
        return self._of.jid

    @property
    def klass(self) -> str:
        """The name of its job."""
        return self._of.klass

    @property
    def queue(self) -> str:
        return self._of.queue

    @property
    def group(self) -> str | None:
        """The name of its group."""
        return self._of.group or None

    @property
    def delay(self) -> float:
        """Seconds that it lets pass once those before it are over."""
        return self._of.delay

    @property
    def state(self) -> NodeState:
        return self._of.state

    @property
    def since(self) -> datetime:
        """Since when it is in this state, in UTC."""
        return shown(self._of.since)

    @property
    def is_failing(self) -> bool:
        """Whether its last run has failed, and it is retried."""
        return self.state == "pushed" and self.jid in self._nodes.failing - self._nodes.dead

    @property
    def can_be_retried(self) -> bool:
        """Whether it is over without success, and not because of a child, which would have to be retried."""
        # One that is pushed and dead: the process that retried it has died before it sent the job back.
        return self.state in {"discarded", "cancelled"} or self.jid in self._nodes.dead

    @property
    def after(self) -> dict[str, Policy]:
        """The nodes and groups that it comes after, each with its policy."""
        return dict(self._of.after)

    @property
    def waits_for(self) -> list[str]:
        """The names of the nodes that it still waits for; those of a group one by one."""
        return waits_for(self._of, self._nodes.groups, self._nodes.states)

    @property
    def children(self) -> list[str]:
        """The bids of its child batches and sub-workflows that have not finished."""
        return list(self._of.children)

    @property
    def fallen(self) -> list[str]:
        """The bids of those that have finished without success."""
        return list(self._of.fallen)

    def __repr__(self) -> str:
        return f"<NodeStatus {self.name}: {self.klass}, {self.state}>"


class Nodes(dict[str, NodeStatus]):
    """The nodes of a workflow by their names, in the order in which they were added."""

    def __init__(self, graph: Graph | None) -> None:
        read = () if graph is None else graph.nodes
        super().__init__((node.name, NodeStatus(node, self)) for node in read)
        self.groups: Mapping[str, list[str]] = (
            {} if graph is None else {name: list(members) for name, members in graph.groups.items()}
        )
        self.failing = frozenset[str]() if graph is None else graph.failing
        self.dead = frozenset[str]() if graph is None else graph.dead
        self.states: Mapping[str, NodeState] = {} if graph is None else graph.states

    def found(self, name: str) -> NodeStatus:
        """Return a node.

        Raises:
            InvalidValue: there is none of this name.
        """
        if (node := self.get(name)) is not None:
            return node
        if name in self.groups:
            raise InvalidValue(f"{name!r} is a group, of the nodes {_some(self.groups[name])}")
        raise InvalidValue(f"the workflow has no node {name!r:.200}; {_near(name, self)}")


def _near(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for a mistake only

    names = list(known)
    near = get_close_matches(str(name), names, 1)
    return f"did you mean {near[0]!r}?" if near else f"it has {_some(names) or 'none'}"


def _some(names: list[str]) -> str:
    return ", ".join([*map(repr, names[:10]), *(["…"] if names[10:] else ())])
