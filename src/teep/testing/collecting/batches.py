"""Batches in tests without Redis: the same rules in memory. A job that raises in a test is gone, so it is dead."""

import time
from collections.abc import Iterator

from teep.errors import BatchClosed
from teep.store.batches import FIELD, Declaration, Event
from teep.store.jobs.pushes import Push
from teep.store.running.outcome import End
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


class Batches:
    """The batches of a test mode. Its methods return the payloads of callbacks whose events happen."""

    def __init__(self) -> None:
        self._known: dict[str, _Batch] = {}

    def open(self, push: Push) -> None:
        """Add the jobs of a push to its batches.

        Raises:
            BatchClosed: one of these has finished, or was not made here.
        """
        for opened in push.batches:
            if opened.declaration is not None:
                self._declare(opened.bid, opened.declaration)
            batch = self._open(opened.bid)
            if not opened.closes:
                batch.openers.add(opened.token)
        for raw in (*(raw for raws in push.now.values() for raw in raws), *(raw for _, raw in push.later)):
            item = payload.parse(raw) if push.batches else {}
            if (bid := item.get(FIELD)) in {opened.bid for opened in push.batches}:
                self._known[str(bid)].pending.add(item["jid"])

    def _declare(self, bid: str, made: Declaration) -> None:
        if made.parent is not None:
            self._open(made.parent).children.add(bid)
        self._known[bid] = _Batch(made)

    def _open(self, bid: str) -> _Batch:
        batch = self._known.get(bid)
        if batch is None or "finish" in batch.fired:
            raise BatchClosed(f"batch {bid} has finished, or was not made in this test, so it takes no more jobs")
        return batch

    def close(self, push: Push) -> list[bytes]:
        """Note that a push has come to its end."""
        found: list[bytes] = []
        for opened in reversed(push.batches):
            if opened.closes:
                self._known[opened.bid].openers.discard(opened.token)
                found += self._decide(opened.bid)
        return found

    def ended(self, raw: bytes, how: End) -> list[bytes]:
        """Note how a job has ended: it is "done" or "dead"."""
        item = payload.parse(raw)
        batch = self._known.get(item.get(FIELD, ""))
        if batch is None or item["jid"] not in batch.pending:
            return []
        found: list[bytes] = []
        if how == "dead":
            batch.dead.add(item["jid"])
            found += self._fire(batch, "death")
        else:
            batch.pending.discard(item["jid"])
        return found + self._decide(item[FIELD])

    def _decide(self, bid: str) -> list[bytes]:
        batch = self._known[bid]
        if batch.pending - batch.dead or batch.children or batch.openers or "finish" in batch.fired:
            return []
        has_succeeded = not batch.pending and not batch.fallen
        events: tuple[Event, ...] = ("complete", "success", "finish") if has_succeeded else ("complete", "finish")
        found = [raw for event in events for raw in self._fire(batch, event)]
        if (parent := self._known.get(batch.made.parent or "")) is not None:
            parent.children.discard(bid)
            if not has_succeeded:
                parent.fallen.add(bid)
            found += self._decide(str(batch.made.parent))
        return found

    def _fire(self, batch: _Batch, event: Event) -> Iterator[bytes]:
        if event in batch.fired:
            return
        batch.fired.add(event)
        parent = self._known.get(batch.made.parent or "")
        for callback in batch.made.callbacks:
            if callback.event == event:
                if parent is not None:
                    parent.pending.add(callback.jid)
                stamp = json.dumps(payload.stamp(time.time(), callback.unit))
                yield callback.head + stamp + callback.tail
