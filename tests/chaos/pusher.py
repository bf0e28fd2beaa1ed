"""Pushes jobs before and during a scenario, and remembers of each whether its push was confirmed."""

import random
import threading
import time
from typing import Any

from teep import Client, Config
from teep.errors import RedisError
from tests.chaos.batches.flows import Flow
from tests.chaos.batches.opener import Opener
from tests.chaos.batches.plans import Plan
from tests.chaos.kinds import Lot
from tests.chaos.pushed import Pushed
from tests.chaos.stage import Stage
from tests.chaos.timeline import Span
from tests.support.servers import Server

# Seconds between pushes, on average: with ten jobs a push about 250 jobs a second, half of what the crew can do.
_PAUSE = 0.04
_AT_ONCE = 20
_AHEAD = 40
_OUTAGE_PAUSE = 0.05
# After how many pushes of all a batch follows, or a workflow.
_BATCHES, _WORKFLOWS = 0.2, 0.15


class Pusher:
    """A thread that pushes until it is stopped. The first jobs are there before it starts."""

    def __init__(self, stage: Stage, seed: int, *, is_plain: bool = False) -> None:
        self.pushed: dict[int, Pushed] = {}
        self._stage = stage
        self._chance = random.Random(f"jobs of {seed}")
        self.opener = Opener(stage, self.pushed, self._chance)
        self._is_plain = is_plain
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pusher", daemon=True)

    def start(self) -> None:
        """Push many jobs at once, then some every now and then."""
        for _ in range(_AHEAD):
            self._push()
        self._thread.start()

    def stop(self) -> None:
        """Push no more. Raises what has ended the pushing before, if something has."""
        self._ended.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._ended.wait(self._chance.expovariate(1 / _PAUSE)):
                self._push()
        except BaseException as error:  # noqa: BLE001 - raised by `stop`, in the thread that waits for it
            self._failure = error

    def _push(self) -> None:
        for lot in Lot.draw(self._chance, _AT_ONCE):
            self._push_lot(lot)
        if self._is_plain:
            return
        if self._chance.random() < _BATCHES:
            self._push_batch(Plan.draw(self._chance))
        elif self._chance.random() < _WORKFLOWS:
            self.opener.push(Flow.draw(self._chance))

    def _push_batch(self, plan: Plan) -> None:
        if not (self.opener.push(plan) and self.opener.add()):
            self._ended.wait(_OUTAGE_PAUSE)
        if plan.beside is not None:
            self._push_lot(plan.beside)

    def _push_lot(self, lot: Lot) -> None:
        first, begin, now = len(self.pushed), time.monotonic(), time.time()
        refused = False
        try:
            server = self._stage.server
            refused = self._send(server, lot, lot.payload(first, now))
            confirmed = self._stage.confirms(server)
        except RedisError:
            confirmed = False
            self._ended.wait(_OUTAGE_PAUSE)
        job = Pushed.of(lot, Span(begin, time.monotonic()), confirmed=confirmed, refused=refused)
        self.pushed |= dict.fromkeys(range(first, first + len(lot.seconds)), job)

    def _send(self, server: Server, lot: Lot, payload: dict[str, Any]) -> bool:
        """Push, and tell whether a lock was in the way."""
        # Straight to the server that `confirms` will ask: behind Sentinel they could be two.
        client = Client(Config(redis_url=server.url))
        if lot.slot is None:
            client.push_bulk(payload)
            return False
        return client.push(payload) is None
