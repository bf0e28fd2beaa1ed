"""One job's run, from reserved to settled: the stages of `teep.worker.run.run`, for a thread and for the loop.

A run is settled first, and then reported. So the job has ended by then, whatever logging, metrics and handlers do,
and none of their errors gets out of here.
"""

import contextvars
import logging
import time
from functools import partial
from threading import Event
from typing import Any, NamedTuple

from teep.errors import JobCancelled
from teep.job.context import running
from teep.job.definition import Definition
from teep.runtime.component import Component
from teep.runtime.notices import Died
from teep.telling import complain, quietly
from teep.wire.payload import Item
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.tallies import QUICK, Tallies
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.logs import job_lines, job_log_level
from teep.worker.run.halting.interrupts import Interrupts
from teep.worker.run.halting.timeouts import Timeouts
from teep.worker.run.poison import PoisonGuard
from teep.worker.run.run import Run, State, explained, state_of
from teep.worker.run.settling import settle, succeeded
from teep.worker.run.work_set import LocalWorkSet

# A module's own name is found faster than another module's.
_INFO = logging.INFO


class Shared(NamedTuple):
    """The parts that the capsules of a process share. `reports` is set if a job has told of its progress."""

    suspects: PoisonGuard
    runs: Tallies
    reports: Event


class Controls(NamedTuple):
    """The parts that show the running jobs of a capsule, and can end them."""

    running: LocalWorkSet
    interrupts: Interrupts
    deadlines: Timeouts


class Processor:
    """Runs jobs of one capsule; each call is one job."""

    def __init__(self, component: Component, fetcher: Fetcher, shared: Shared, controls: Controls) -> None:
        self._config = component.config
        self._middleware = component.hooks.server_middleware
        self._fetcher = fetcher
        self._done = fetcher.done
        self._running, self._interrupts, self._deadlines = controls
        self._timeouts = self._deadlines.timeouts
        self._suspects, self._runs = shared.suspects, shared.runs
        self._quick = self._runs.quick.append
        self._notices = component.notices
        self._is_observed = component.notices.has_others
        # Whether the lines of a job are logged; asked twice a job.
        self._has_lines = _never if self._config.skip_default_job_logging else job_lines.logger.is_on
        self._is_heard = _always if self._is_observed else self._has_lines

    def run(self, job: UnitOfWork, thread_id: str) -> None:
        """Run a `def` job, or one that cannot run at all, in this thread."""
        started = self._begin(job, thread_id)
        try:
            # A copied context, so that the next job does not see the variables that this one sets.
            value = contextvars.copy_context().run(self._interrupts.run, thread_id, job, self._call)
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is its failure
            self._end(job, thread_id, started, error)
        else:
            self._end(job, thread_id, started, None, value)
        finally:
            self._running[thread_id] = None
            if job.is_special or self._timeouts:
                self._leave(job, thread_id)

    async def run_async(self, job: UnitOfWork, thread_id: str) -> None:
        """Run an `async def` job in this task."""
        started = self._begin(job, thread_id)
        try:
            item, definition = self._enter(job, thread_id)
            if self._middleware.entries:
                value = await self._middleware.ainvoke(item, partial(definition.run, item))
            else:
                value = await definition.run(item)
        except BaseException as error:  # noqa: BLE001 - as above; a cancellation, too, ends only this job
            self._end(job, thread_id, started, error)
        else:
            self._end(job, thread_id, started, None, value)
        finally:
            del self._running[thread_id]
            if job.is_special or self._timeouts:
                self._leave(job, thread_id)

    def unstarted(self, job: UnitOfWork, error: BaseException, thread_id: str) -> None:
        """Settle a job that could not be started as failed."""
        self._end(job, thread_id, time.perf_counter(), error)
        if job.is_special:
            self._leave(job, thread_id)

    def _begin(self, job: UnitOfWork, thread_id: str) -> float:
        """Show a job as running, and report its start; return when the run began."""
        self._running[thread_id] = (job, time.time())
        try:
            if job.is_special and job.asks.log_level:
                job_log_level.enter(job)
            if self._is_heard(_INFO):
                self._tell_start(job, thread_id)
        except BaseException as problem:  # noqa: BLE001 - of users' loggers, which keep no job from running
            complain(problem, "the start of a job could not be logged")
        return time.perf_counter()

    def _tell_start(self, job: UnitOfWork, thread_id: str) -> None:
        if self._is_observed:
            self._notices.give(Run(job, thread_id, State.STARTED))
        elif job.item is not None:
            job_lines.started(job.item, thread_id)

    def _enter(self, job: UnitOfWork, thread_id: str) -> tuple[Item, Definition]:
        """Refuse a job that cannot run, and watch its timeout. An interruption may come from here on."""
        if job.item is None or job.definition is None:
            raise job.problem or TypeError("a job without a payload or code has a problem that says so")
        if self._deadlines.cancelled_jids and job.jid in self._deadlines.cancelled_jids:
            job.halt = JobCancelled
            raise JobCancelled
        if (timeout := job.item.get("timeout")) is not None:
            self._deadlines.watch(thread_id, job, timeout)
        running.set(job.context)
        return job.item, job.definition

    def _call(self, job: UnitOfWork, thread_id: str) -> Any:
        item, definition = self._enter(job, thread_id)
        if self._middleware.entries:
            return self._middleware.invoke(item, partial(definition.run, item))
        return definition.run(item)

    def _end(
        self,
        job: UnitOfWork,
        thread_id: str,
        started: float,
        error: BaseException | None = None,
        value: Any = None,
    ) -> None:
        """Classify how a run ended, settle it, and report it."""
        seconds = time.perf_counter() - started
        item = job.item
        if (
            error is None
            and job.halt is None
            and job.comes_again is None
            and not self._is_observed
            and item is not None
        ):
            # Most jobs are done. For them this is equal to the stages, which would cost 1 µs.
            if job.along:
                succeeded(self._fetcher, job, value)
            else:
                self._done(job)
            try:
                if seconds < QUICK and "wrapped" not in item:
                    self._quick(job.definition)
                else:
                    self._runs.add(job, seconds)
                if self._has_lines(_INFO):
                    job_lines.ended(job, thread_id, seconds)
            except BaseException as problem:  # noqa: BLE001 - of users' loggers, or of a payload that a job has changed
                complain(problem, "the end of a job could not be logged")
            return
        run = self._classified(job, thread_id, seconds, error)
        run.value = value
        settle(self._config, self._fetcher, run)
        self._tell(run)

    def _classified(self, job: UnitOfWork, thread_id: str, seconds: float, error: BaseException | None) -> Run:
        state = state_of(job, error, is_stopped=self._fetcher.closed.is_set())
        if error is not None and state is State.FAILED and job.is_timed_out:
            error = explained(error, self._deadlines.allowed(thread_id))
        return Run(job, thread_id, state, seconds, error)

    def _tell(self, run: Run) -> None:
        self._notices.give(run)
        if run.error is not None and run.ending is not None and run.ending.death is not None:
            self._notices.give(Died(run.ending.death, run.error))

    def _leave(self, job: UnitOfWork, thread_id: str) -> None:
        """End the things that a job had for its run: a log level, its place as a suspect, a timeout."""
        if job.is_special:
            if job.asks.log_level:
                quietly(job_log_level.leave)
            if job.asks.suspect:
                self._suspects.ended(job)
        if self._timeouts:
            self._deadlines.unwatch(thread_id)


def _always(_level: int) -> bool:
    return True


def _never(_level: int) -> bool:
    return False
