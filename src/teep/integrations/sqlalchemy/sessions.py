"""Sessions that end with a job: the next job on the same thread must not find its transaction, or its failure."""

import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy.ext.asyncio import async_scoped_session
from sqlalchemy.orm import scoped_session
from sqlalchemy.util import greenlet_spawn

from teep.integrations.sqlalchemy import around
from teep.job.context import current_job
from teep.middleware.chain import Chains

logger = logging.getLogger("teep")


class JobSessions:
    """Ends sessions that a job has left open: `config.use(JobSessions(Session))` for a `scoped_session`.

    After each job of a worker it calls `remove()` of the registries, and rolls back the transactions that the job has
    begun and not ended, in sessions that `transactional_push` counts. Jobs that run inline are left alone, since the
    caller's own session may be among them.

    Args:
        registries: each `scoped_session` or `async_scoped_session` that jobs use.
    """

    def __init__(self, *registries: scoped_session[Any] | async_scoped_session[Any]) -> None:
        self._registries = registries

    def join(self, config: Chains) -> None:
        """Add it to the jobs of a configuration, as the outermost middleware."""
        config.server_middleware.prepend(self._around)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobSessions) and self._registries == other._registries

    def __hash__(self) -> int:
        return hash(self._registries)

    def _around(self, _job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        job = current_job()
        if job is None or job.run is None:
            return call_next()
        is_left_to_coroutine = False
        try:
            outcome = call_next()
            if is_left_to_coroutine := inspect.iscoroutine(outcome):
                return self._around_async(outcome)
            return outcome
        finally:
            if not is_left_to_coroutine:
                self._end()

    async def _around_async(self, outcome: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await outcome
        finally:
            await greenlet_spawn(self._end)
            for registry in self._registries:
                if isinstance(registry, async_scoped_session):
                    await registry.remove()

    def _end(self) -> None:
        for session in around.sessions():
            _guarded(session.close)
        for registry in self._registries:
            if isinstance(registry, scoped_session):
                _guarded(registry.remove)


def _guarded(end: Callable[[], None]) -> None:
    try:
        end()
    except Exception:  # the job's own outcome stands whatever happens to a session
        logger.exception("a session that a job has left open could not be ended in order")
