"""Batches in tests without Redis: the same rules in memory. A job that raises in a test is gone, so it is dead.

The nodes of those that are workflows are in `workflows`.
"""

import time
from collections.abc import Iterator

from teep.errors import BatchClosed, InvalidValue
from teep.store.batches import FIELD, NODE, Declaration, Event, Opened
from teep.store.jobs.pushes import Push
from teep.store.running.outcome import End
from teep.testing.collecting.workflows import Nodes, Pushed
from teep.wire import json, payload


class _Batch:
    """A batch: the jids that are pending and those of them that are dead, and what has happened."""

    def __init__(self, made: Declaration) -> None:
        self.made = made
        self.pending: set[str] = set()
        self.dead: set[str] = set()
        self.children: set[str] = set()
        self.fallen: set[str] = set()
        self.openers: set[str] = set()
        self.fired: set[Event] = set()
        self.nodes = None if made.workflow is None else Nodes()


class Batches:
    """The batches of a test mode. Its methods return the jobs that follow: callbacks, and nodes of workflows."""

    def __init__(self) -> None:
        self._known: dict[str, _Batch] = {}

    def open(self, push: Push) -> None:
        """Add the jobs of a push to its batches.

        Raises:
            BatchClosed: one of these has finished, or was not made here.
            InvalidValue: nodes that are added to a workflow do not fit.
        """
        for opened in push.batches:
            if opened.declaration is not None:
                self._declare(opened.bid, opened.declaration)
            self._add(self._open(opened.bid), opened)
        for raw in (*(raw for raws in push.now.values() for raw in raws), *(raw for _, raw in push.later)):
            item = payload.parse(raw) if push.batches else {}
            if (bid := item.get(FIELD)) in {opened.bid for opened in push.batches}:
                self._known[str(bid)].pending.add(item["jid"])

    def _declare(self, bid: str, made: Declaration) -> None:
        if made.parent is not None:
            parent = self._open(made.parent)
            parent.children.add(bid)
            if parent.nodes is not None and made.parent_node is not None:
                parent.nodes.adopt(made.parent_node, bid)
        self._known[bid] = _Batch(made)

    def _add(self, batch: _Batch, opened: Opened) -> None:
        if opened.nodes is not None:
            if batch.nodes is None:
                raise InvalidValue(f"batch {opened.bid} is no workflow, so it takes no nodes")
            batch.nodes.add(opened.nodes)
        if not opened.closes:
            batch.openers.add(opened.token)

    def _open(self, bid: str) -> _Batch:
        batch = self._known.get(bid)
        if batch is None or "finish" in batch.fired:
            raise BatchClosed(f"batch {bid} has finished, or was not made in this test, so it takes no more jobs")
        return batch

    def close(self, push: Push) -> list[Pushed]:
        """Note that a push has come to its end."""
        found: list[Pushed] = []
        for opened in reversed(push.batches):
            batch = self._known[opened.bid]
            if batch.nodes is not None and opened.released is not None:
                found += self._follow(batch, batch.nodes.release(opened.released))
            if opened.closes:
                batch.openers.discard(opened.token)
                found += self._decide(opened.bid)
        return found

    def ended(self, raw: bytes, how: End) -> list[Pushed]:
        """Note how a job has ended: it is "done" or "dead"."""
        item = payload.parse(raw)
        batch = self._known.get(item.get(FIELD, ""))
        if batch is None or item["jid"] not in batch.pending:
            return []
        found: list[Pushed] = []
        if batch.nodes is not None and (node := item.get(NODE)) is not None:
            follow = batch.nodes.failed(node) if how == "dead" else batch.nodes.succeeded(node)
            found += self._follow(batch, follow)
        if how == "dead":
            batch.dead.add(item["jid"])
            found += self._fire(batch, "death")
        else:
            batch.pending.discard(item["jid"])
        return found + self._decide(item[FIELD])

    @staticmethod
    def _follow(batch: _Batch, nodes: list[Pushed]) -> list[Pushed]:
        """Have a workflow wait for nodes that are pushed."""
        batch.pending.update(node.jid for node in nodes)
        return nodes

    def _decide(self, bid: str) -> list[Pushed]:
        batch = self._known[bid]
        if batch.pending - batch.dead or batch.children or batch.openers or "finish" in batch.fired:
            return []
        # A node that waits still, or was cancelled, is behind one that is dead, or of which a child has fallen.
        has_succeeded = not batch.pending and not batch.fallen
        events: tuple[Event, ...] = ("complete", "success", "finish") if has_succeeded else ("complete", "finish")
        found = [raw for event in events for raw in self._fire(batch, event)]
        if batch.made.parent is not None and batch.made.parent in self._known:
            found += self._tell(self._known[batch.made.parent], bid, has_succeeded=has_succeeded)
            found += self._decide(batch.made.parent)
        return found

    def _tell(self, parent: _Batch, bid: str, *, has_succeeded: bool) -> list[Pushed]:
        """Tell a parent that a child of it has finished."""
        parent.children.discard(bid)
        if not has_succeeded:
            parent.fallen.add(bid)
        node = self._known[bid].made.parent_node
        if parent.nodes is None or node is None:
            return []
        return self._follow(parent, parent.nodes.child_finished(node, bid, has_succeeded=has_succeeded))

    def _fire(self, batch: _Batch, event: Event) -> Iterator[Pushed]:
        if event in batch.fired:
            return
        batch.fired.add(event)
        parent = self._known.get(batch.made.parent or "")
        for callback in batch.made.callbacks:
            if callback.event == event:
                if parent is not None:
                    parent.pending.add(callback.jid)
                stamp = json.dumps(payload.stamp(time.time(), callback.unit))
                yield Pushed(callback.jid, callback.head + stamp + callback.tail)
