"""The progress of iterable jobs."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple, Self

from teep.api.base import Api, AsyncApi, SyncApi
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.errors import MalformedPayload
from teep.store.running import iteration
from teep.wire import json


class IterableState(NamedTuple):
    """An iterable job's state, as of its last start or interruption, or at most 5 seconds old.

    Sidekiq's IterableJobQuery::State.
    """

    jid: str
    executions: int
    """How often it was started."""
    runtime: float
    """Seconds that it ran, in all executions together."""
    cursor: Any
    """The place where it goes on, as the job's enumerator gave it; a string if that is not JSON."""
    cancelled: datetime | None
    """When it was cancelled, to the second."""


class _IterableJobQuery(Api):
    """The states of jobs, by jid: `query[jid]`. Sidekiq's IterableJobQuery."""

    def __init__(
        self, jids: Iterable[str], *, config: Config | None = None, client: Client | AsyncClient | None = None
    ) -> None:
        super().__init__(config=config, client=client)
        self._jids = list(jids)


class IterableJobQuery(_IterableJobQuery, SyncApi):
    """The states of jobs, by jid: `query[jid]`, all read at the first use, in one round trip.

    Sidekiq's IterableJobQuery.
    """

    @cached_property
    def _states(self) -> dict[str, iteration.IterationState]:
        return self._run(iteration.states(self._jids))

    def __getitem__(self, jid: str) -> IterableState | None:
        """Return a job's state; None if it has none, or was not asked for."""
        return state_of(jid, self._states.get(jid))


class AsyncIterableJobQuery(_IterableJobQuery, AsyncApi):
    """As `IterableJobQuery`; made by `await AsyncIterableJobQuery.fetch(jids)`, which reads all."""

    _states: dict[str, iteration.IterationState]

    @classmethod
    async def fetch(
        cls, jids: Iterable[str], *, config: Config | None = None, client: AsyncClient | None = None
    ) -> Self:
        """Return the states of these jobs. One round trip."""
        query = cls(jids, config=config, client=client)
        query._states = await query._run(iteration.states(query._jids))
        return query

    def __getitem__(self, jid: str) -> IterableState | None:
        """Return a job's state; None if it has none, or was not asked for."""
        return state_of(jid, self._states.get(jid))


def state_of(jid: str, state: iteration.IterationState | None) -> IterableState | None:
    """Return a job's stored state as users see it."""
    if state is None:
        return None
    cancelled = None if state.cancelled is None else datetime.fromtimestamp(state.cancelled, UTC)
    return IterableState(jid, state.executions, state.runtime, _cursor(state.cursor), cancelled)


def _cursor(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return json.loads(raw)
    except MalformedPayload:
        return raw.decode(errors="surrogateescape")
