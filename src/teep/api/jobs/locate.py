"""Finding a job wherever it is."""

from typing import Any, NamedTuple

from teep.api.base import AsyncApi, SyncApi
from teep.api.jobs.entries import AsyncSortedEntry, SortedEntry
from teep.api.jobs.records import AsyncJobRecord, JobRecord
from teep.client import AsyncClient, Client
from teep.config import Config
from teep.store.jobs import locate
from teep.store.jobs.locate import JobPlace, Where


class Located(NamedTuple):
    """A job found: `where` is "working", "queued", "scheduled", "retrying" or "dead"; `record` is the job there."""

    where: Where
    record: JobRecord | SortedEntry


class AsyncLocated(NamedTuple):
    """As `Located`, with the asyncio twin of the record."""

    where: Where
    record: AsyncJobRecord | AsyncSortedEntry


def find_job(jid: str | None, *, config: Config | None = None, client: Client | None = None) -> Located | None:
    """Return where a job is, or None if it is nowhere: done, deleted, or never pushed (`jid` is None then).

    Searches the jobs in flight at teep's workers, every queue, the scheduled, retry and dead sets, and the jobs that
    Sidekiq's processes showed at their last heartbeats. The search runs inside Redis. A job that moves against this
    order meanwhile can be missed.
    """
    if jid is None:
        return None
    api = SyncApi(config=config, client=client)
    found = api._run(locate.find(jid))  # noqa: SLF001 - the pair's own protocol
    return None if found is None else Located(found.where, _record(found, api.config, JobRecord, SortedEntry))


async def async_find_job(
    jid: str | None, *, config: Config | None = None, client: AsyncClient | None = None
) -> AsyncLocated | None:
    """As `find_job`, awaited."""
    if jid is None:
        return None
    api = AsyncApi(config=config, client=client)
    found = await api._run(locate.find(jid))  # noqa: SLF001 - the pair's own protocol
    if found is None:
        return None
    return AsyncLocated(found.where, _record(found, api.config, AsyncJobRecord, AsyncSortedEntry))


def _record(found: JobPlace, config: Config, queued: Any, sorted_: Any) -> Any:
    if found.score is None:
        return queued(found.raw, found.queue, config=config)
    return sorted_(found.raw, found.score, found.key, config=config)
