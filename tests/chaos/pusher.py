"""Pushes jobs before and during a scenario, and remembers of each whether its push was confirmed."""

import random
import threading
import time
from dataclasses import dataclass

from teep import Client, Config
from teep.errors import RedisError
from tests.chaos.kinds import Fate, Lot
from tests.chaos.stage import Stage
from tests.support.servers import Server

# Seconds between pushes, on average: with ten jobs a push about 250 jobs a second, half of what the crew can do.
_PAUSE = 0.04
_AT_ONCE = 20
_AHEAD = 40
_OUTAGE_PAUSE = 0.05


@dataclass(frozen=True)
class Pushed:
    """A job as it was pushed. One whose push was not confirmed may or may not have got through."""

    fate: Fate
    confirmed: bool


class Pusher:
    """A thread that pushes until it is stopped. The first jobs are there before it starts."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.pushed: dict[int, Pushed] = {}
        self._stage = stage
        self._chance = random.Random(f"jobs of {seed}")
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
        lot = Lot.draw(self._chance, _AT_ONCE)
        first = len(self.pushed)
        try:
            confirmed = self._send(self._stage.server, lot, first)
        except RedisError:
            confirmed = False
            self._ended.wait(_OUTAGE_PAUSE)
        for number in range(first, first + len(lot.seconds)):
            self.pushed[number] = Pushed(lot.fate, confirmed)

    def _send(self, server: Server, lot: Lot, first: int) -> bool:
        # Straight to the server that `confirms` will ask: behind Sentinel they could be two.
        Client(Config(redis_url=server.url)).push_bulk(lot.payload(first, time.time()))
        return self._stage.confirms(server)
