"""Where pushes go while a test runs: `fake()` collects them, `inline()` runs them, `disable()` sends them to Redis.

Modes nest; the innermost one that this thread or task has entered counts.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import overload

from teep.client.delivery.test_mode import Redirected, current
from teep.config import Config
from teep.drivers.plans import Call
from teep.errors import NotHere
from teep.store.jobs.pushes import Push
from teep.store.running.outcome import End
from teep.testing.collecting.batches import Batches
from teep.testing.collecting.collected import Jobs
from teep.testing.collecting.enqueued import EnqueuedJob, enqueued_of
from teep.testing.collecting.matching import SomeJob


class _Inline:
    """Runs jobs at once, scheduled ones too, and those that follow in their batches and workflows."""

    runs_at_once = True

    def __init__(self) -> None:
        self._batches = Batches()
        self.results: dict[str, bytes] = {}

    async def take(self, config: Config, push: Push) -> None:
        self._batches.open(push)
        for job in enqueued_of(config, push):
            await self._run(job)
        for _, raw, at in self._batches.close(push):
            await self._run(EnqueuedJob(raw, at, config=config))

    async def _run(self, job: EnqueuedJob) -> None:
        """Run a job, and then those that follow from its end; after an error none does, as it goes on to the push."""
        jobs = deque([job])
        while jobs:
            job = jobs.popleft()
            how: End = "dead"
            try:
                await Call(job.run, job.run_async)
                how = "done"
            finally:
                following = self._batches.ended(job.raw, how)
            jobs.extend(EnqueuedJob(raw, at, config=job.config) for _, raw, at in following)

    def waiting(self, jid: str) -> None:
        """No job waits here."""


def fake(*, everywhere: bool = False) -> AbstractContextManager[Jobs]:
    """Collect pushed jobs instead of sending them; needs no Redis.

    Entering it gives the collected jobs, which are also `teep.testing.jobs`. Until then a push goes its usual way: it
    is checked as a real one is, and passes the client middleware and JSON.
    Sidekiq's testing!(:fake).

    Args:
        everywhere: for all threads of the process; otherwise for this thread or task, and the tasks it starts.
    """
    jobs = Jobs()
    return Redirected(jobs, jobs, everywhere=everywhere)


def inline(*, everywhere: bool = False) -> AbstractContextManager[None]:
    """Run pushed jobs at once, in the push itself, through both middleware chains and JSON. Needs no Redis.

    Scheduled jobs run at once too, and an error of a job is raised by the push, also `Retry` and `Snooze`. Sidekiq's
    testing!(:inline).

    Args:
        everywhere: as for `fake`.
    """
    return Redirected(_Inline(), None, everywhere=everywhere)


def disable(*, everywhere: bool = False) -> AbstractContextManager[None]:
    """Push for real, inside of another mode. Sidekiq's testing!(:disable).

    Args:
        everywhere: as for `fake`.
    """
    return Redirected(None, None, everywhere=everywhere)


def _faked() -> Jobs:
    """Return the jobs that the innermost mode has collected.

    Raises:
        NotHere: it is not `fake()`.
    """
    if isinstance(redirect := current(), Jobs):
        return redirect
    raise NotHere("no jobs are collected here: that is done inside `with teep.testing.fake():`")


class _CurrentJobs(Sequence[EnqueuedJob]):
    """The jobs that the innermost `fake()` has collected, looked up at every use."""

    @overload
    def __getitem__(self, index: int) -> EnqueuedJob: ...
    @overload
    def __getitem__(self, index: slice) -> list[EnqueuedJob]: ...
    def __getitem__(self, index: int | slice) -> EnqueuedJob | list[EnqueuedJob]:
        return _faked()[index]

    def __len__(self) -> int:
        return len(_faked())

    def __repr__(self) -> str:
        return repr(_faked())


jobs: Sequence[EnqueuedJob] = _CurrentJobs()


def clear(job: SomeJob | None = None, /) -> None:
    """Forget the jobs that the innermost `fake()` has collected; see `Jobs.clear`."""
    _faked().clear(job)


def perform_one(job: SomeJob | None = None, /, *, with_scheduled: bool = False) -> EnqueuedJob:
    """Run the next job that the innermost `fake()` has collected; see `Jobs.perform_one`."""
    return _faked().perform_one(job, with_scheduled=with_scheduled)


async def async_perform_one(job: SomeJob | None = None, /, *, with_scheduled: bool = False) -> EnqueuedJob:
    """As `perform_one`, on the running loop."""
    return await _faked().async_perform_one(job, with_scheduled=with_scheduled)


def drain(job: SomeJob | None = None, /, *, with_scheduled: bool = False, recursive: bool = True) -> int:
    """Run the jobs that the innermost `fake()` has collected; see `Jobs.drain`."""
    return _faked().drain(job, with_scheduled=with_scheduled, recursive=recursive)


async def async_drain(job: SomeJob | None = None, /, *, with_scheduled: bool = False, recursive: bool = True) -> int:
    """As `drain`, on the running loop."""
    return await _faked().async_drain(job, with_scheduled=with_scheduled, recursive=recursive)
