"""Workflows: batches whose jobs, their nodes, wait for one another.

1. A push that adds nodes carries them in the `Opened` of its batch (`store/nodes.py`).
2. The end of a node's job brings the part that tells its workflow (`batches.ended`). The script that carries it out
   pushes, or cancels, those that come after it (`wire/lua/lib/workflow/`).
3. `read` and `page` are for those that look, `cancel` and `retry` for those that step in.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from teep.store import batches
from teep.store.batches import PAGE, Record
from teep.store.nodes import MEANS, NodeState, Policy
from teep.wire import commands, keys
from teep.wire.scripts.step import Part

_GATE, _GROUP = "\1", "\2"


class Node(NamedTuple):
    """A node: its job, those that it comes after (nodes and groups), and its state since when (epoch seconds).

    `delay` is how many seconds after those before it it is due. `children` are child batches of it that have not
    finished, `fallen` those that have without success.
    """

    name: str
    jid: str
    klass: str
    queue: str
    after: Mapping[str, Policy]
    made_at: float
    delay: float
    state: NodeState
    since: float
    group: str
    children: Sequence[str] = ()
    fallen: Sequence[str] = ()


class Graph(NamedTuple):
    """A workflow: its batch, its name, its nodes in the order in which they were added, and its groups.

    `failing` are the jids of its jobs whose last run failed, and `dead` those of them that are dead.
    """

    record: Record
    name: str
    nodes: Sequence[Node]
    failing: frozenset[str]
    dead: frozenset[str]
    groups: Mapping[str, Sequence[str]]

    @property
    def states(self) -> dict[str, NodeState]:
        """The states of its nodes, by name."""
        return {node.name: node.state for node in self.nodes}


def waits_for(node: Node, groups: Mapping[str, Sequence[str]], states: Mapping[str, NodeState]) -> list[str]:
    """Return the names of the nodes that a node waits for, those of groups one by one; [] if it does not wait."""
    if node.state != "waiting":
        return []
    # It may come after a group and after one of it, by two policies.
    edges = [(of, policy) for after, policy in node.after.items() for of in groups.get(after, (after,))]
    return list(dict.fromkeys(of for of, policy in edges if policy not in MEANS.get(states.get(of, "waiting"), {})))


async def read(bid: str) -> Graph | None:
    """Return a workflow, or None: there is none, or this batch is no workflow. One round trip, of some MB at most."""
    looks = [
        *batches.looks(bid),
        commands.hgetall(keys.workflow_part(bid, "nodes")),
        commands.hgetall(keys.workflow_part(bid, "states")),
        commands.hgetall(keys.workflow_part(bid, "subs")),
        commands.smembers(keys.batch_set(bid, "failed")),
        commands.smembers(keys.batch_set(bid, "dead")),
    ]
    *replies, statics, states, subs, failed, dead = await commands.pipeline_of(looks)
    record = batches.record_of(bid, replies)
    if record is None or "workflow" not in record.fields:
        return None
    nodes = sorted(_nodes(statics, states, subs), key=lambda node: node.made_at)
    groups = {name[1:]: commands.text(line).split("\t") for name, line in statics.items() if name.startswith(_GROUP)}
    name = record.fields["workflow"].decode(errors="replace")
    return Graph(record, name, nodes, frozenset(failed), frozenset(dead), groups)


def _nodes(statics: Mapping[str, bytes], states: Mapping[str, bytes], subs: Mapping[str, bytes]) -> Iterator[Node]:
    for name, line in statics.items():
        if name.startswith((_GATE, _GROUP)) or name not in states:
            continue
        try:
            yield _node(name, line, states[name], subs.get(name, b""))
        except ValueError:  # damaged: no reason to hide the others
            continue


def _node(name: str, line: bytes, told: bytes, subs: bytes) -> Node:
    jid, klass, queue, made, delay, _, group, _, edges = line.decode().split("\0")
    state, _, since = told.decode().partition(" ")
    bids = subs.decode().split()
    return Node(
        name,
        jid,
        klass,
        queue,
        dict(_edges(edges)),
        float(made),
        float(delay or 0),
        state,  # type: ignore[arg-type]  # the script writes no others
        float(since),
        group,
        [bid for bid in bids if not bid.startswith("-")],
        [bid[1:] for bid in bids if bid.startswith("-")],
    )


def _edges(line: str) -> Iterator[tuple[str, Any]]:
    """Yield (name, policy) of what a node comes after. The name of a gate has a mark, its policy, and its group."""
    for edge in line.split("\t"):
        policy, _, of = edge.partition(" ")
        if of:
            yield (of.partition(" ")[2] if of.startswith(_GATE) else of), policy


async def nodes_of(bid: str) -> dict[str, str]:
    """Return the names of the nodes of a workflow by their jids; {} of any other batch. One round trip."""
    statics = await commands.hgetall(keys.workflow_part(bid, "nodes"))
    return {line.partition(b"\0")[0].decode(): name for name, line in statics.items()}


async def size() -> int:
    """Return how many workflows are listed: those that are, and those that were forgotten lately. One round trip."""
    return await commands.zcard(keys.workflows())


async def page(start: int, count: int = PAGE) -> tuple[list[str], list[Record]]:
    """Return the bids of a page of the list, the newest workflow first, and those that are there. Two round trips."""
    bids = [commands.text(bid) for bid, _ in await commands.zrevrange(keys.workflows(), start, start + count - 1)]
    return bids, await batches.read(*bids) if bids else []


async def sweep(bids: Sequence[str], there: Sequence[Record]) -> int:
    """Take workflows that are forgotten out of the list; returns how many. One round trip, if there are any."""
    gone = [bid.encode() for bid in bids if bid not in {record.bid for record in there}]
    return await commands.zrem(keys.workflows(), *gone) if gone else 0


async def forget(bid: str) -> bool:
    """Forget a workflow, whose jobs go on without it; False if there was none. Two round trips."""
    was_there = bool(await batches.forget(bid))
    await commands.zrem(keys.workflows(), bid.encode())
    return was_there


async def cancel(bid: str) -> None:
    """Cancel a workflow: its jobs are skipped from now on, and what waits is cancelled. One round trip.

    Nodes that run whatever became of those before them are pushed when those are over.
    """
    await batches.act(Part("workflow.cancel", keys.batch(bid)))


async def retry(bid: str, names: Collection[str] | None = None) -> list[str]:
    """Run nodes again: these, or all that have failed, or were discarded or cancelled. Two round trips.

    A discarded one is pushed anew, and those that were cancelled because of these wait again. Returns the names of
    those that have failed: their dead jobs are to be sent back. One whose child batch has failed is left alone until
    that has succeeded.
    """
    graph = await read(bid)
    if graph is None:
        return []
    chosen = [node for node in graph.nodes if _is_over(node) if names is None] or _named(graph, names or ())
    if chosen:
        await batches.act(Part("workflow.retry", keys.batch(bid), ("\n".join(node.name for node in chosen),)))
    return [node.name for node in chosen if node.state in ("failed", "pushed") and node.jid in graph.dead]


def _is_over(node: Node) -> bool:
    return node.state in ("failed", "discarded", "cancelled")


def _named(graph: Graph, names: Iterable[str]) -> list[Node]:
    wanted = set(names)
    return [node for node in graph.nodes if node.name in wanted]
