"""Django's connections around a job, as around a request.

1. Before and after a job, each database connection of its thread is closed if it is too old or works no more.
2. A transaction that a job has left open is rolled back, so that the next job on the thread does not continue it.
3. An `async def` job has a thread of its own for its calls by `sync_to_async`, Django's queries included. Its
   connections are closed when the job ends.
4. Jobs that run inline are left alone: they may be inside of a request, or of a test's transaction.
"""

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.cache import close_caches
from django.db import connections, reset_queries

from teep.integrations.loops import is_on_a_loop
from teep.job.context import current_job
from teep.middleware.chain import Chains

logger = logging.getLogger("teep")


class Connections:
    """The server middleware that takes care of Django's connections; it is the outermost."""

    def join(self, config: Chains) -> None:
        """Add it to the jobs of a configuration."""
        config.server_middleware.prepend(_around)


def _around(_job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    job = current_job()
    if job is None or job.run is None:
        return call_next()
    if is_on_a_loop():
        return _around_async(call_next)
    reset_queries()
    _check_connections()
    try:
        return call_next()
    finally:
        _check_connections()
        close_caches()


async def _around_async(call_next: Callable[[], Any]) -> Any:
    async with ThreadSensitiveContext() as context:
        try:
            return await call_next()
        finally:
            # Not awaited: the thread may be busy with a call of a cancelled job.
            if (executor := SyncToAsync.context_to_thread_executor.pop(context, None)) is not None:
                executor.submit(_close_connections)
                executor.shutdown(wait=False)


def _check_connections() -> None:
    for connection in connections.all(initialized_only=True):
        try:
            _check(connection)
        except Exception:
            # The job's own outcome stands whatever happens to a connection; the next query makes a new one.
            logger.exception("the connection to the database %r could not be ended in order", connection.alias)
            del connections[connection.alias]


def _check(connection: Any) -> None:
    if connection.in_atomic_block:
        logger.warning("a job has left a transaction of the database %r open; it is rolled back", connection.alias)
        connection.close()
        del connections[connection.alias]
        return
    if connection.connection is not None and not connection.autocommit:
        connection.rollback()
    connection.close_if_unusable_or_obsolete()


def _close_connections() -> None:
    try:
        connections.close_all()
        close_caches()
    except Exception:
        logger.exception("the connections of an async job could not be closed in order")
