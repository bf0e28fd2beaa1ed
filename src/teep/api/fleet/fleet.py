"""The fleet as a whole: every process and what runs in it at one look, and what is done to all of them."""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from teep.api.base import Api, AsyncApi, SyncApi
from teep.api.fleet.processes import AsyncProcess, Process, _Process
from teep.api.fleet.work import Work
from teep.api.jobs.records import AsyncJobRecord, JobRecord, _JobRecord
from teep.api.jobs.selection.filters import Conditions, Filter
from teep.drivers.operation import operation
from teep.store import processes
from teep.store.jobs import queues
from teep.store.running import owners
from teep.wire.stored import Stored

P = TypeVar("P", bound=_Process)
R = TypeVar("R", bound=_JobRecord)


class FleetState(NamedTuple, Generic[P, R]):
    """Live processes by identity, running jobs (the longest-running first), the leaders, and paused queues.

    `leaders` are the identities of teep's leader and of Sidekiq Enterprise's, as far as there are any.
    """

    processes: list[P]
    work: list[Work[R]]
    leaders: tuple[str, ...]
    paused: frozenset[str]

    @property
    def leader(self) -> str:
        """The identity of the leader, teep's before Sidekiq Enterprise's, or "" if there is none."""
        return next(iter(self.leaders), "")

    def matching(self, conditions: Conditions) -> list[Work[R]]:
        """Return the running jobs that meet the conditions of `where`."""
        chosen = Filter(**conditions)
        return [work for work in self.work if chosen.matches(Stored(work.job.raw))]


class _Fleet(Api, Generic[P, R]):
    """All processes of Sidekiq and teep on one Redis."""

    _process: ClassVar[Callable[..., Any]]
    _job_record: ClassVar[Callable[..., Any]]

    @operation
    async def state(self, *, clean: bool = True) -> FleetState[P, R]:
        """Return what there is as of the last heartbeats. Two round trips, whatever there is.

        `clean` also drops processes whose heartbeat has expired, at most once a minute for all callers.
        """
        found = await processes.fleet(clean=clean)

        def record(raw: bytes, queue: str) -> R:
            made: R = self._job_record(raw, queue, config=self.config)
            return made

        return FleetState(
            [self._process(process, config=self.config) for process in found.processes],
            [Work(job, record) for job in found.running],
            found.leaders,
            found.paused,
        )

    @operation
    async def in_flight(self) -> dict[str, int]:
        """Return how many jobs teep's processes have taken out of each queue, and not acknowledged. Two round trips.

        These run, were fetched ahead, or were left by a process that died and whose jobs nobody has rescued yet.
        """
        return await owners.in_flight()

    @operation
    async def quiet_all(self) -> int:
        """Let every process take no more jobs, but those embedded in another program; returns how many are told."""
        return await self._signal_all("TSTP", lambda process: not process.embedded and not process.stopping)

    @operation
    async def stop_all(self) -> int:
        """Let every process finish its jobs and exit, but those embedded; returns how many are told."""
        return await self._signal_all("TERM", lambda process: not process.embedded)

    @operation
    async def dump_all(self) -> int:
        """Let every process log what each of its threads does; returns how many are told."""
        return await self._signal_all("TTIN", lambda _: True)

    @operation
    async def pause_queues(self) -> int:
        """Pause every queue that there is now; returns how many were not paused yet. Two round trips."""
        return await queues.pause_all()

    @operation
    async def unpause_queues(self) -> int:
        """Let workers serve every queue again; returns how many were paused. Two round trips."""
        return await queues.unpause_all()

    async def _signal_all(self, name: str, is_told: Callable[[_Process], bool]) -> int:
        every = [_Process(process, config=self.config) for process in await processes.listing()]
        told = [process.identity for process in every if is_told(process)]
        if told:
            await processes.signal_all(told, name)
        return len(told)


class Fleet(_Fleet[Process, JobRecord], SyncApi):
    _process = Process
    _job_record = JobRecord


class AsyncFleet(_Fleet[AsyncProcess, AsyncJobRecord], AsyncApi):
    _process = AsyncProcess
    _job_record = AsyncJobRecord


__all__ = ["AsyncFleet", "Fleet", "FleetState"]
