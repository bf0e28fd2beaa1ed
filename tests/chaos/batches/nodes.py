"""The account of the nodes of a workflow: none is early, none left out, and none runs in spite of a policy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from teep.store.nodes import MEANS, NodeState, Policy
from tests.chaos.batches.made import NEVER, Ends, Made, Node

_STATES: Mapping[str, NodeState] = {"done": "succeeded", "dead": "failed", "discarded": "discarded"}
States = frozenset[NodeState]


@dataclass(frozen=True)
class Child:
    """A child batch of a node: by when it was made and when it finished, and whether it may or must have fallen."""

    bid: str
    made_by: float
    finished: float
    may_fall: bool
    must_fall: bool


@dataclass
class Nodes:
    """The nodes of one workflow, in an order in which each comes behind those that it comes after.

    `states` has what may have become of each, by its name; "waiting" also stands for what is not known.
    """

    workflow: Made
    ends: Mapping[int, Ends]
    pushed: Callable[[int], float]
    """When the job of a node was pushed (NEVER: it was not), by its number."""
    children: Mapping[str, Sequence[Child]]
    precedes: Callable[[float, float], bool]
    """Whether the first of two moments is before the second, and no fault excuses that."""

    def __post_init__(self) -> None:
        self.states: dict[str, States] = {}
        for name, node in self.workflow.nodes.items():
            self.states[name] = self._states(name, node)

    @property
    def all_succeeded(self) -> bool:
        """Whether every node has succeeded for sure."""
        return all(states == {"succeeded"} for states in self.states.values())

    @property
    def may_succeed(self) -> bool:
        """Whether every node may have succeeded."""
        return all("succeeded" in states for states in self.states.values())

    def problems(self, *, is_sure: Callable[[int], bool]) -> Iterator[tuple[int, str]]:
        """Yield what is wrong with nodes, each with its number.

        `is_sure`: whether nothing but those before the node of a number decided of it.
        """
        for name, node in self.workflow.nodes.items():
            ran = self.pushed(node.number) != NEVER
            if self.precedes(self.pushed(node.number), NEVER) and "pushed" not in self._fates(node):
                yield node.number, f"had node {name} run in spite of what was before it"
            is_open = self.ends[node.number].over == NEVER
            if is_open and is_sure(node.number) and self._fates(node) == {"pushed"}:
                yield node.number, f"left out node {name}"
            for of, policy in node.after.items() if ran else ():
                if self.precedes(self.pushed(node.number), self._due(of, policy)):
                    yield node.number, f"had node {name} run before {of} was so far"

    def _fates(self, node: Node) -> set[str]:
        """Return what the states of those before a node may have made of it: "pushed", "waiting", "cancelled"."""
        edges = [
            {MEANS.get(state, {}).get(policy, "wait") for state in self.states[of]}
            for of, policy in node.after.items()
        ]
        found = {"pushed"} if all("ok" in edge for edge in edges) else set()
        if any("cancel" in edge for edge in edges):
            found.add("cancelled")
        if any("wait" in edge for edge in edges) and not any(edge == {"cancel"} for edge in edges):
            found.add("waiting")
        return found

    def _states(self, name: str, node: Node) -> States:
        fates = self._fates(node)
        if self.pushed(node.number) == NEVER and node.number in self.workflow.unsure:
            return frozenset({"waiting", "cancelled", "succeeded"})  # as if it were not there, if it is not
        found: set[NodeState] = {state for state in ("waiting", "cancelled") if state in fates}
        if self.workflow.is_unsure:  # it may have been cancelled as a whole
            found.add("cancelled")
        if "pushed" not in fates:
            return frozenset(found)
        ended: set[NodeState] = {_STATES[kind] for kind in self.ends[node.number].kinds}
        children = self.children.get(name, ())
        if "succeeded" in ended and any(child.may_fall for child in children):
            ended.add("failed")
        if any(child.must_fall and self._binds(name, child) for child in children):
            ended.discard("succeeded")
        return frozenset(found | (ended or {"waiting"}))

    def _binds(self, name: str, child: Child) -> bool:
        """Tell whether a child was there before its node can have been over."""
        return child.made_by <= self.ends[self.workflow.nodes[name].number].done

    def _due(self, name: str, policy: Policy) -> float:
        """Return the first moment at which an edge may have let a node go; of one never pushed that is not known."""
        ends = self.ends[self.workflow.nodes[name].number]
        if policy == "always" and "cancelled" in self.states[name]:
            return -NEVER
        if policy in ("skip", "always"):
            return ends.over
        bound = [child.finished for child in self.children.get(name, ()) if self._binds(name, child)]
        return max([ends.done, *bound])
