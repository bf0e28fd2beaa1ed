"""Puts back the jobs of processes that died, however they died."""

import logging

from teep.config import Config
from teep.drivers import Driver
from teep.errors import MalformedPayload
from teep.store import inflight, processes
from teep.worker.identity import is_gone
from teep.worker.interval import spread
from teep.worker.service import OnError, Service

logger = logging.getLogger("teep")


class Rescuer(Service):
    """Looks for dead processes: at its start, then about every 5 seconds over the whole fleet.

    Where this machine can see that the pid is gone it does not wait; otherwise for the heartbeat to expire.
    """

    _AVERAGE = 5.0

    def __init__(self, config: Config, driver: Driver, identity: str, on_error: OnError) -> None:
        super().__init__("rescuer", on_error)
        self._config = config
        self._driver = driver
        self._identity = identity

    def run_once(self) -> None:
        for owner in self._driver.run(inflight.owners(self._report_damage)):
            if owner.identity == self._identity:
                continue
            moved = self._driver.run(inflight.rescue(owner, is_gone))
            for queue, count in (moved or {}).items():
                logger.warning("rescued %d jobs of %s, which died, into %s", count, owner.identity, queue)

    def _report_damage(self, error: MalformedPayload) -> None:
        self._on_error(error, self.name)

    def pause(self) -> float:
        return spread(self._driver.run(processes.count()), self._AVERAGE)
