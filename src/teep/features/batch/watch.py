"""The leader's look at batches: what nobody else would notice, and what is kept of those that are forgotten."""

import time
from collections.abc import Iterator

from teep.runtime.component import Component
from teep.runtime.leadership import LeaderService
from teep.store import batches, workflows
from teep.store.batches import Listing, Record
from teep.store.jobs import lost
from teep.telling import Logger

logger = Logger("teep")

INTERVAL = 3_600.0
"""Seconds between looks."""
PATIENCE = 86_400.0
"""Seconds without progress after which the jobs of a batch are looked for."""


class Watch(LeaderService):
    """Looks at all batches every hour. Nothing that it does needs to happen once, so it needs no fence.

    1. Takes those that are forgotten out of the list, and out of that of workflows.
    2. Lets events happen that wait for a block whose process has died, once its lease is over, or that Redis refused.
    3. If a batch has made no progress for a day, looks for its jobs: those that a Ruby process has deleted are
       discarded.
    """

    def __init__(self, component: Component) -> None:
        super().__init__("batches", component.on_error, component.leadership)
        self._driver = component.driver

    def run_once(self) -> None:
        now = time.time()
        for record in self._walk(batches):
            self._look(record, now)
        for _ in self._walk(workflows):
            pass  # they are batches, too, which were looked at; their own list is swept on the way

    def _walk(self, of: Listing) -> Iterator[Record]:
        """Yield all that a list has, and take those that are forgotten out of it."""
        start = 0
        while True:
            bids, there = self._driver.run(of.page(start))
            if not bids:
                return
            start += len(bids) - self._driver.run(of.sweep(bids, there))
            yield from there

    def pause(self) -> float:
        return INTERVAL

    def _look(self, record: Record, now: float) -> None:
        if "fired:finish" in record.fields:
            return
        self._driver.run(batches.decide(record.bid))
        progress, _, since = record.fields.get("seen", b"").decode().partition(" ")
        present = f"{record.sizes.pending}/{record.sizes.failed}/{record.fields.get('total', b'0').decode()}"
        if progress != present:
            self._driver.run(batches.note(record.bid, "seen", f"{present} {int(now)}"))
        elif not 0 <= now - float(since) < PATIENCE:  # a time to come is that of a leader whose clock was wrong
            found = self._driver.run(lost.reconcile(record.bid))
            self._driver.run(batches.note(record.bid, "seen", f"{present} {int(now)}"))
            if found:
                logger.warning("%d jobs of batch %s were nowhere, and count as discarded", len(found), record.bid)
