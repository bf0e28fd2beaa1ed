"""Makes batches as the pusher pushes jobs, and remembers what was confirmed of each."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from teep import BatchClosed, BatchStatus, Config, Queue, ScheduledSet
from teep.client.batches import block
from teep.config import driver_for
from teep.errors import RedisError
from teep.store import workflows
from tests.chaos.batches.flows import Flow
from tests.chaos.batches.made import Made
from tests.chaos.batches.plans import Plan
from tests.chaos.batches.sheet import Placed, Sheet
from tests.chaos.kinds import DELETED
from tests.chaos.pushed import Pushed
from tests.chaos.stage import Stage
from tests.chaos.timeline import Span
from tests.chaos.worker import OPENING
from tests.support.servers import Server

_REFUSED = re.compile(r"(\w+) is not pushed: the identical job")
# One of so many batches gets more jobs when another one is made; most of these have finished by then.
_LATEST = 20


class Opener:
    """Pushes batches. `pushed` gets their jobs and callbacks."""

    def __init__(self, stage: Stage, pushed: dict[int, Pushed], chance: random.Random) -> None:
        self.made: dict[str, Made] = {}
        self._stage = stage
        self._pushed = pushed
        self._chance = chance

    def push(self, plan: Plan | Flow) -> bool:
        """Push a batch with its children, or a workflow, and delete or cancel what the plan says.

        Returns False if Redis failed.
        """
        server = self._stage.server
        sheet = Sheet(Config(redis_url=server.url), len(self._pushed))
        try:
            confirmed = self._send(server, sheet, lambda: sheet.make(plan))
        except BatchClosed:  # a failover has forgotten it in the midst of its block, or its lease has ended
            confirmed = False
        for made in sheet.made:
            made.confirmed = confirmed
            made.is_unsure |= not confirmed
            made.fillings[0].end = time.monotonic() if confirmed else None
            self.made[made.bid] = made
        if confirmed:
            for made in sheet.made:
                self._invalidate(sheet.config, made)
            for placed in sheet.placed:
                self._delete(server, sheet.config, placed)
        return confirmed

    def add(self) -> bool:
        """Add jobs to a batch that may have finished; False if Redis failed."""
        made = self._chance.choice(list(self.made.values())[-_LATEST:])
        if not made.confirmed:
            return True
        server = self._stage.server
        sheet = Sheet(Config(redis_url=server.url), len(self._pushed))
        try:
            nodes = list(made.nodes)
            after = self._chance.choice(nodes) if nodes else ""
            confirmed = self._send(server, sheet, lambda: sheet.append(made, after) if nodes else sheet.add(made))
        except BatchClosed:
            made.closed.append(time.monotonic())
            return True
        made.is_unsure |= not confirmed
        return confirmed

    def _send(self, server: Server, sheet: Sheet, act: Callable[[], None]) -> bool:
        confirmed = False
        with _refused() as refused, mock.patch.object(block, "LEASE", int(OPENING * 1000)):
            try:
                act()
                confirmed = self._stage.confirms(server)
            except RedisError:
                pass
            finally:
                self._note(sheet, refused, confirmed=confirmed)
        return confirmed

    def _note(self, sheet: Sheet, refused: set[str], *, confirmed: bool) -> None:
        now = time.monotonic()
        self._pushed |= {number: Pushed(fate, confirmed=False) for number, fate in sheet.callbacks.items()}
        for placed in sheet.placed:
            certain = confirmed and not placed.is_node  # whether a node is pushed, its workflow decides
            span = Span(placed.begin, now)
            job = Pushed.of(placed.lot, span, confirmed=certain, refused=placed.jid in refused)
            self._pushed |= dict.fromkeys(placed.numbers, job)

    def _invalidate(self, config: Config, made: Made) -> None:
        if made.is_unsure:
            try:
                if made.nodes:
                    driver_for(config).run(workflows.cancel(made.bid))
                else:
                    BatchStatus(made.bid, config=config).invalidate_all()
            except RedisError:
                return

    def _delete(self, server: Server, config: Config, placed: Placed) -> None:
        """Delete the jobs of a lot that is for it. If not all of them were there, any may have been."""
        if placed.lot.job != DELETED:
            return
        begin = time.monotonic()
        source = ScheduledSet(config=config) if placed.lot.delay else Queue(placed.lot.queue, config=config)
        try:
            deleted = source.where(bid=placed.bid, klass=DELETED).delete_all()
            if not deleted:
                return
            certain = deleted == len(placed.numbers) and self._stage.confirms(server)
        except RedisError:
            certain = False
        span = Span(begin, time.monotonic())
        for number in placed.numbers:
            self._pushed[number] = replace(self._pushed[number], confirmed=certain, deleted=span)


@contextmanager
def _refused() -> Iterator[set[str]]:
    """Collect the jids of unique jobs that are not pushed: a block only logs them."""
    jids: set[str] = set()
    logger = logging.getLogger("teep")

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if (found := _REFUSED.match(record.getMessage())) is not None:
                jids.add(found[1])

    handler, level = Handler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield jids
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
