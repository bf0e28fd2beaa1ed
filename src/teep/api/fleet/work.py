"""The jobs that run right now."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from teep.api.base import Api, AsyncIterable, SyncCollection, once
from teep.api.jobs.records import AsyncJobRecord, JobRecord, _JobRecord
from teep.client.times import shown
from teep.drivers.operation import operation
from teep.store import processes
from teep.wire.command import Plan

R = TypeVar("R", bound=_JobRecord)


class Progress(NamedTuple):
    """How far a running job is, as it told by `current_job().progress`: a share from 0 to 1, a note, and when."""

    done: float
    note: str
    at: datetime


def told_by(running: processes.RunningJob) -> Progress | None:
    """Return what a running job has told of its progress, None if it said nothing."""
    told = running.progress
    return None if told is None else Progress(told.done, told.note, datetime.fromtimestamp(told.at, UTC))


class Work(Generic[R]):
    """A running job: in which process and thread, from which queue, since when, how far. Sidekiq's Work."""

    def __init__(self, data: processes.RunningJob, record: Callable[[bytes, str], R]) -> None:
        self._data = data
        self._record = record

    @property
    def process_id(self) -> str:
        """The identity of its process."""
        return self._data.identity

    @property
    def thread_id(self) -> str:
        """The thread that runs it, by the name that log lines have."""
        return self._data.thread_id

    @property
    def queue(self) -> str:
        """The queue that it came from."""
        return self._data.queue

    @property
    def run_at(self) -> datetime:
        """When it started, to the second."""
        return shown(self._data.run_at)

    @property
    def elapsed(self) -> float:
        """Seconds that it has run, by this machine's clock, to the second."""
        return max(0.0, time.time() - self._data.run_at)

    @property
    def progress(self) -> Progress | None:
        """How far the job said that it is, at most a second ago; None if it said nothing."""
        return told_by(self._data)

    @property
    def payload(self) -> str:
        """The job's JSON."""
        return self._data.payload.decode(errors="replace")

    @cached_property
    def job(self) -> R:
        """The job."""
        return self._record(self._data.payload, self.queue)

    def __repr__(self) -> str:
        return f"<Work {self.job.display_class} {self.job.jid} at {self.process_id}/{self.thread_id}>"


class _WorkSet(Api, Generic[R]):
    """The running jobs as of the last heartbeats, the longest-running first: (process id, thread id, work).

    Sidekiq's WorkSet.
    """

    _job_record: ClassVar[Callable[..., Any]]

    @operation
    async def size(self) -> int:
        """Return how many jobs run. Two round trips."""
        return len(await processes.running())

    @operation
    async def find_work(self, jid: str | None) -> Work[R] | None:
        """Return the running job with this jid, or None; also for None, as a push returns it. Two round trips."""
        found = None if jid is None else await processes.find(jid)
        return None if found is None else self._work(found)

    find_work_by_jid = find_work

    async def _all(self) -> list[tuple[str, str, Work[R]]]:
        return [(work.identity, work.thread_id, self._work(work)) for work in await processes.running()]

    def _work(self, data: processes.RunningJob) -> Work[R]:
        return Work(data, lambda raw, queue: self._job_record(raw, queue, config=self.config))

    def _walk(self) -> Callable[[], Plan[list[tuple[str, str, Work[R]]] | None]]:
        return once(self._all)


class WorkSet(_WorkSet[JobRecord], SyncCollection[tuple[str, str, Work[JobRecord]]]):
    _job_record = JobRecord


class AsyncWorkSet(_WorkSet[AsyncJobRecord], AsyncIterable[tuple[str, str, Work[AsyncJobRecord]]]):
    _job_record = AsyncJobRecord
