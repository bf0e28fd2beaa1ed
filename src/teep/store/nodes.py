"""The nodes of a workflow as a push carries them, and what an end of one means for those that come after it."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from teep.wire import keys
from teep.wire.commands import score
from teep.wire.keys import Key
from teep.wire.payload import TimeUnit
from teep.wire.scripts.step import Part, Parts

ALWAYS = "node_always"
"""The field of a payload: the node runs whatever became of those before it, so also if the workflow is cancelled."""

Policy = Literal["stop", "skip", "hold", "always"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

NodeState = Literal["waiting", "pushed", "ran", "succeeded", "failed", "discarded", "cancelled"]

MEANS: Mapping[NodeState, Mapping[Policy, Literal["ok", "cancel"]]] = {
    "succeeded": {"stop": "ok", "skip": "ok", "hold": "ok", "always": "ok"},
    "failed": {"stop": "cancel", "skip": "ok", "always": "ok"},
    "discarded": {"stop": "cancel", "skip": "ok", "hold": "cancel", "always": "ok"},
    "cancelled": {"stop": "cancel", "skip": "cancel", "hold": "cancel", "always": "ok"},
}
"""What the state of a node means for a node that comes after it by a policy: it no longer waits for this one, or is
never pushed. Where neither is given it waits."""

_GROUP = "\2"


class NewNode(NamedTuple):
    """A node that is ready to be pushed but for the time, which stands between `head` and `tail`.

    `after` has the nodes and groups that it comes after. `delay` is how many seconds after them it is due, `at` the
    time (epoch seconds) before which it is not; None: at once.
    """

    name: str
    jid: str
    klass: str
    queue: str
    made_at: float
    after: Mapping[str, Policy]
    unit: TimeUnit
    head: bytes
    tail: bytes
    group: str = ""
    delay: float | None = None
    at: float | None = None

    @property
    def always(self) -> bool:
        """Whether it runs whatever became of those before it."""
        return bool(self.after) and all(policy == "always" for policy in self.after.values())

    def static(self) -> bytes:
        """Return what its workflow remembers of it. No name holds a NUL, a tab or the end of a line."""
        edges = "\t".join(f"{policy} {name}" for name, policy in self.after.items())
        always = "1" if self.always else ""
        made, delay, at = score(self.made_at), _time(self.delay), _time(self.at)
        words = (self.name, self.jid, self.klass, self.queue, made, delay, at, self.group, always, edges)
        return "\0".join(words).encode()

    def template(self) -> bytes:
        """Return what is kept to push it."""
        queues, schedule = keys.queues(), keys.schedule()
        due = (_time(self.delay), _time(self.at))
        words = (self.jid, keys.queue(self.queue), queues, self.queue, schedule, self.unit, *due)
        return b"\0".join((*(word.encode() for word in words), self.head, self.tail))


def _time(seconds: float | None) -> str:
    return "" if seconds is None else score(seconds)


class NewNodes(NamedTuple):
    """Nodes that are added in one push, each after those that it waits for, and groups of names of nodes.

    `is_appended`: to a workflow that is there already, whose nodes and groups `outside` some come after.
    """

    nodes: Sequence[NewNode]
    groups: Mapping[str, Sequence[str]]
    is_appended: bool = False
    outside: Sequence[str] = ()

    def parts(self, key: Key) -> Parts:
        """Return the parts that add them to the workflow with this key. Redis takes all of them or none."""
        groups = [f"{_GROUP}{name}\0".encode() + "\t".join(those).encode() for name, those in self.groups.items()]
        statics = b"\n".join([*groups, *(node.static() for node in self.nodes)])
        add = Part("workflow.add", key, (statics, b"\n".join(node.template() for node in self.nodes)))
        if not self.is_appended:
            return Parts(effects=(add,))
        names = "\n".join([*(node.name for node in self.nodes), *self.groups])
        return Parts(guards=(Part("workflow.fits", key, (names, "\n".join(self.outside))),), effects=(add,))
