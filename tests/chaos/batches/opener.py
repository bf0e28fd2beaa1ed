"""Makes batches as the pusher pushes jobs, and remembers what was confirmed of each."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from unittest import mock

from teep import Batch, BatchClosed, BatchStatus, Client, Config, Queue, ScheduledSet
from teep.client.batches import block
from teep.errors import RedisError
from teep.store.batches import EVENTS
from tests.chaos.batches.made import Filling, Made
from tests.chaos.batches.plans import DELETED, Plan
from tests.chaos.kinds import Fate, Lot
from tests.chaos.pushed import Pushed
from tests.chaos.stage import Stage
from tests.chaos.timeline import Span
from tests.chaos.worker import OPENING
from tests.support.servers import Server

_REFUSED = re.compile(r"(\w+) is not pushed: the identical job")
# One of so many batches gets more jobs when another one is made; most of these have finished by then.
_LATEST = 20
_MORE = Lot("chaos", "default", Fate.SUCCEEDS, 0.0, (0.0, 0.0))


class _Placed(NamedTuple):
    """A lot in a batch, with the number of its first job, when it was pushed, and the jid of a unique one."""

    lot: Lot
    bid: str
    first: int
    begin: float
    jid: str | None

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.lot.seconds))


@dataclass
class _Sheet:
    """What is pushed in one go: batches in each other, their jobs, and the numbers of their callbacks."""

    config: Config
    next: int
    made: list[Made] = field(default_factory=list)
    placed: list[_Placed] = field(default_factory=list)
    callbacks: dict[int, Fate] = field(default_factory=dict)

    def open(self, plan: Plan, parent: str | None) -> None:
        """Make a batch, its jobs and its children."""
        batch = Batch(linger=plan.linger, callback_queue=plan.queue, config=self.config)
        numbers = {event: self._number() for event in EVENTS}
        for (event, number), fate in zip(numbers.items(), plan.fates, strict=True):
            batch.on(event, "chaos", number, 0.0, fate.value)
            self.callbacks[number] = fate
        made = Made(batch.bid, parent, numbers, plan.linger, time.monotonic(), is_unsure=plan.is_invalidated)
        self.made.append(made)
        filling = Filling(made.at, plan.flush_every or 0, is_first=True)
        made.fillings.append(filling)
        with batch.jobs(flush_every=plan.flush_every):
            for lot in plan.lots:
                self._place(lot, made)
            for child in plan.children:
                self.open(child, batch.bid)
            filling.body = time.monotonic()

    def add(self, made: Made) -> None:
        """Add jobs to a batch that may have finished."""
        with Batch(made.bid, config=self.config).jobs():
            self._place(_MORE, made)

    def _place(self, lot: Lot, made: Made) -> None:
        first, begin, client = self._number(len(lot.seconds)), time.monotonic(), Client(self.config)
        payload = lot.payload(first, time.time())
        self.placed.append(_Placed(lot, made.bid, first, begin, None))
        made.members |= set(self.placed[-1].numbers)
        if lot.slot is None:
            client.push_bulk(payload)
        else:
            self.placed[-1] = self.placed[-1]._replace(jid=client.push(payload))

    def _number(self, count: int = 1) -> int:
        self.next += count
        return self.next - count


class Opener:
    """Pushes batches. `pushed` gets their jobs and callbacks."""

    def __init__(self, stage: Stage, pushed: dict[int, Pushed], chance: random.Random) -> None:
        self.made: dict[str, Made] = {}
        self._stage = stage
        self._pushed = pushed
        self._chance = chance

    def push(self, plan: Plan) -> bool:
        """Push a batch with its children, and delete or invalidate what the plan says; False if Redis failed."""
        server = self._stage.server
        sheet = _Sheet(Config(redis_url=server.url), len(self._pushed))
        try:
            confirmed = self._send(server, sheet, lambda: sheet.open(plan, None))
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
        sheet = _Sheet(Config(redis_url=server.url), len(self._pushed))
        try:
            confirmed = self._send(server, sheet, lambda: sheet.add(made))
        except BatchClosed:
            made.closed.append(time.monotonic())
            return True
        made.is_unsure |= not confirmed
        return confirmed

    def _send(self, server: Server, sheet: _Sheet, act: Callable[[], None]) -> bool:
        confirmed = False
        with _refused() as refused, mock.patch.object(block, "_LEASE", int(OPENING * 1000)):
            try:
                act()
                confirmed = self._stage.confirms(server)
            except RedisError:
                pass
            finally:
                self._note(sheet, refused, confirmed=confirmed)
        return confirmed

    def _note(self, sheet: _Sheet, refused: set[str], *, confirmed: bool) -> None:
        now = time.monotonic()
        self._pushed |= {number: Pushed(fate, confirmed=False) for number, fate in sheet.callbacks.items()}
        for placed in sheet.placed:
            job = Pushed.of(placed.lot, Span(placed.begin, now), confirmed=confirmed, refused=placed.jid in refused)
            self._pushed |= dict.fromkeys(placed.numbers, job)

    def _invalidate(self, config: Config, made: Made) -> None:
        if made.is_unsure:
            try:
                BatchStatus(made.bid, config=config).invalidate_all()
            except RedisError:
                return

    def _delete(self, server: Server, config: Config, placed: _Placed) -> None:
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
