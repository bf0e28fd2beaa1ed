"""Saves how far an iterable job is: in the hash `it-<jid>`, as Sidekiq does.

Redis may be away while a run goes on. A place that cannot be saved then is saved at the next checkpoint, so an outage
ends no run.
"""

from typing import TypeVar

from teep.config import Config, async_driver_for, driver_for
from teep.drivers.operation import driver_of
from teep.errors import RedisError
from teep.store.running import iteration
from teep.store.running.iteration import NEVER_RAN, Held, IterationState
from teep.telling import INTERRUPTIONS, Logger
from teep.wire import json
from teep.wire.command import Plan
from teep.wire.scripts import Saved

T = TypeVar("T")

logger = Logger("teep.job", passing=INTERRUPTIONS)


class NoCheckpoints:
    """Checkpoints of a job that runs outside of a worker: it begins at the start, and nothing is saved."""

    async def load(self) -> IterationState:
        return NEVER_RAN

    async def save(self, _executions: int, _cursor: object, _runtime: float) -> Saved:
        return Saved(written=True, cancelled=False)


class Checkpoints(NoCheckpoints):
    """The saved place of one job. On an event loop (`is_async`) its methods wait; otherwise they block instead."""

    def __init__(self, config: Config, jid: str, known: IterationState | None, held: Held, *, is_async: bool) -> None:
        self._config = config
        self._jid = jid
        self._known = known
        self._held = held
        self._is_async = is_async

    async def load(self) -> IterationState:
        """Return the saved state; that of a job that never ran says so. One round trip, unless it is known already.

        Raises:
            RedisError: it cannot be known where to begin.
        """
        if self._known is not None:
            return self._known
        return await self._run(iteration.state(self._jid)) or await super().load()

    async def save(self, executions: int, cursor: object, runtime: float) -> Saved:
        """Save the number of this run, its cursor, and the seconds of all runs so far. One round trip.

        Raises:
            InvalidArguments: the cursor is not plain JSON.
        """
        json.check(cursor, "the cursor")
        try:
            return await self._run(iteration.save(self._jid, executions, json.dumps(cursor), runtime, self._held))
        except RedisError as error:
            logger.warning("job %s goes on without a checkpoint: %s", self._jid, error)
            return Saved(written=True, cancelled=False)

    async def _run(self, plan: Plan[T]) -> T:
        if self._is_async:
            return await driver_of(plan, lambda: async_driver_for(self._config)).run(plan)
        return driver_of(plan, lambda: driver_for(self._config)).run(plan)
