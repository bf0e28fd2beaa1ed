"""The nodes of a workflow before they are pushed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from teep.client.batches.callbacks import made
from teep.client.client import BoundJob
from teep.client.payloads.template import shared
from teep.config import Config
from teep.errors import InvalidJob, InvalidType, InvalidValue
from teep.store.batches import FIELD, NODE
from teep.store.nodes import ALWAYS, POLICIES, NewNode, Policy
from teep.wire.payload import Item

MOST_CHARACTERS = 200
_FIRST_PRINTED = " "  # all before it are control characters, which tell the parts of what Redis has of a node


class Handle(str):  # noqa: SLOT000 - as below
    """A node, or a group of nodes, of a workflow: its name, which is as good where nodes are given.

    `jids` are those of its jobs, as `teep.result` takes them.
    """

    # No slots: the size of a string differs, so it can have none.
    jids: tuple[str, ...]

    def __new__(cls, name: str, jids: Iterable[str] = ()) -> Self:
        handle = super().__new__(cls, name)
        handle.jids = tuple(jids)
        return handle

    @property
    def jid(self) -> str:
        """The jid of a node's job, or of the first of a group."""
        return self.jids[0]


After = str | Iterable[str] | Mapping[str, Policy] | None
"""What a node comes after: nodes or groups, by handle or name, perhaps with a policy for each."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A node: the payload of its job, when that is due, and what it comes after."""

    name: str
    item: Item
    due: float | timedelta | None
    after: Mapping[str, Policy]
    group: str = ""
    made_at: float = field(default_factory=time.time)

    @property
    def jid(self) -> str:
        return str(self.item["jid"])

    def within(self, prefix: str, after: Mapping[str, Policy]) -> "Draft":
        """Return the same node as one of another workflow, in which its name, and those before it, have a prefix.

        It comes `after` those of the other if it is a first one.
        """
        before = {f"{prefix}{name}": policy for name, policy in self.after.items()} or after
        group = self.group and f"{prefix}{self.group}"
        return replace(self, name=checked_name(f"{prefix}{self.name}"), after=before, group=group)

    def written(self, config: Config, bid: str) -> NewNode:
        """Return what is pushed of it."""
        item = {name: value for name, value in self.item.items() if name != "enqueued_at"}
        item |= {FIELD: bid, NODE: self.name}
        delay = self.due.total_seconds() if isinstance(self.due, timedelta) else None
        at = None if isinstance(self.due, timedelta) else self.due
        queue, klass, unit = item["queue"], item["class"], config.timestamps
        new = NewNode(
            self.name, self.jid, klass, queue, self.made_at, self.after, unit, b"", b"", self.group, delay, at
        )
        head, tail = shared(item | {ALWAYS: True} if new.always else item, ("enqueued_at",))
        return new._replace(head=head, tail=tail)


def drafted(config: Config, name: str, job: Any, after: Mapping[str, Policy], group: str = "") -> Draft:
    """Return a node for a job with its arguments, whose payload is made now.

    Raises:
        InvalidType: it is no job with arguments.
        InvalidArguments, InvalidJob: it could not be pushed, or a client middleware stopped it.
    """
    if not isinstance(job, BoundJob):
        raise InvalidType(f"node {name!r} must be a job with its arguments, such as build.s(url), not {job!r:.200}")
    given = job.to_payload()
    given.pop("at", None)
    item = made(config, given)
    if item is None:
        raise InvalidJob(f"a client middleware has stopped the job of node {name!r}, for which others may wait")
    for what in ("class", "queue"):
        if not _is_plain(item[what]):
            raise InvalidValue(
                f"the {what} of node {name!r} must have no control characters, unlike {item[what]!r:.100}"
            )
    return Draft(name, item, job.due, after, group)


def checked_name(name: Any) -> str:
    """Return a name of a node or group, a plain string.

    Raises:
        InvalidType, InvalidValue: it is none.
    """
    if not isinstance(name, str):
        raise InvalidType(f"the name of a node must be a string, not {name!r:.200}")
    if not 0 < len(name) <= MOST_CHARACTERS or not _is_plain(name):
        shape = f"up to {MOST_CHARACTERS} characters, none of which a control character"
        raise InvalidValue(f"the name of a node must have {shape}, unlike {name!r:.250}")
    return str(name)


def _is_plain(text: str) -> bool:
    return min(text, default=" ") >= _FIRST_PRINTED


def edges(after: After, when: Policy | None) -> dict[str, Policy]:
    """Return what a node comes after, and by which policies.

    Raises:
        InvalidType, InvalidValue: these are no names, or there is no such policy.
    """
    found: dict[str, Policy]
    if isinstance(after, Mapping):
        if when is not None:
            raise InvalidValue("give a policy for each node in after=, or one for all in when=, not both")
        found = {checked_name(name): policy for name, policy in after.items()}
    else:
        if after is not None and not isinstance(after, Iterable):
            raise InvalidType(f"after= takes nodes by handle or name, one or several, not {after!r:.200}")
        names = [after] if isinstance(after, str) else after or ()
        found = {checked_name(name): when or "stop" for name in names}
    for policy in found.values():
        if policy not in POLICIES:
            raise InvalidValue(f"a policy is one of {', '.join(POLICIES)}, not {policy!r:.100}")
    return found


class Drafts:
    """The nodes and groups of a workflow that are not started yet, and the names of all that it was given."""

    def __init__(self) -> None:
        self.nodes: list[Draft] = []
        self.groups: dict[str, tuple[str, ...]] = {}
        self._names: set[str] = set()

    def new_name(self, name: Any) -> str:
        """Return a name that is checked, and is not taken."""
        name = checked_name(name)
        if name in self._names:
            raise InvalidValue(f"there is a node or group {name!r} already in this workflow")
        return str(name)

    def add(self, draft: Draft) -> Handle:
        """Add a node, whose name is new."""
        self._names.add(draft.name)
        self.nodes.append(draft)
        return Handle(draft.name, [draft.jid])

    def add_group(self, name: str, members: Sequence[Draft]) -> Handle:
        """Add a group of nodes, whose name is new."""
        self._names.add(name)
        self.groups[name] = tuple(member.name for member in members)
        return Handle(name, [member.jid for member in members])

    def embed(self, prefix: str, other: "Drafts", after: Mapping[str, Policy]) -> Handle:
        """Add what another workflow has, under names with a prefix; returns those of it that come last."""
        nodes = [draft.within(f"{prefix}.", after) for draft in other.nodes]
        for node in nodes:
            self.new_name(node.name)
            self.add(node)
        for name, members in other.groups.items():
            self.groups[self.new_name(f"{prefix}.{name}")] = tuple(f"{prefix}.{member}" for member in members)
        passed = {name for node in nodes for of in node.after for name in self.groups.get(of, (of,))}
        last = [node for node in nodes if node.name not in passed]
        return Handle(last[0].name, [last[0].jid]) if len(last) == 1 else self.add_group(self.new_name(prefix), last)

    def take(self) -> tuple[list[Draft], dict[str, tuple[str, ...]]]:
        """Return the nodes and groups, and forget them."""
        taken = self.nodes, self.groups
        self.nodes, self.groups = [], {}
        return taken
