"""One job's run, from reserved to settled.

In this order, for a `def` job on a thread and for an `async def` job on the loop: show it as running, log the
start, match it with its code, go through the server middleware, call it; then settle it, and only then tell of it:
whatever logging, metrics and handlers do, the job has ended by then, and nothing that they raise gets out of here.
A job whose process must stop (`Shutdown`) is neither: it is back in its queue already. A cancelled one leaves for
good, however it ends. An iterable one that is interrupted returns, so that what wraps it can commit, and is put back.
"""

import asyncio
import contextvars
import logging
import time
from functools import partial
from typing import NamedTuple

from teep import tracebacks
from teep.config.handlers import report
from teep.errors import JobCancelled, JobTimeout, Shutdown
from teep.job.context import running
from teep.job.definition import Definition
from teep.runtime.component import Component
from teep.store.running import outcome
from teep.telling import complain, quietly
from teep.wire.payload import Item
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.tallies import QUICK, Tallies
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.logs import job_lines, job_log_level
from teep.worker.run import failure
from teep.worker.run.halting.interrupts import Interrupts
from teep.worker.run.halting.timeouts import Timeouts
from teep.worker.run.poison import PoisonGuard
from teep.worker.run.work_set import LocalWorkSet

# A name of one's own is found faster than another module's.
_INFO = logging.INFO


class Shared(NamedTuple):
    """What the capsules of a process have in common."""

    suspects: PoisonGuard
    runs: Tallies


class Controls(NamedTuple):
    """What shows the running jobs of a capsule, and what can end them."""

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
        self._suspects, self._runs = shared
        self._quick = self._runs.quick.append
        # Whether the lines of a job are logged; asked twice a job.
        self._has_lines = _never if self._config.skip_default_job_logging else job_lines.logger.is_on

    def run(self, job: UnitOfWork, thread_id: str) -> None:
        """Run a `def` job, or one that cannot run at all, in this thread."""
        started = self._begin(job, thread_id)
        try:
            # A copied context: what one job sets in it, the next does not see.
            contextvars.copy_context().run(self._interrupts.run, thread_id, job, self._call)
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is its failure
            self._failed(job, error, thread_id, started)
        else:
            self._succeeded(job, thread_id, started)
        finally:
            self._running[thread_id] = None
            if job.is_special:
                self._ended(job)
            if self._deadlines.timeouts:
                self._deadlines.unwatch(thread_id)

    async def run_async(self, job: UnitOfWork, thread_id: str) -> None:
        """Run an `async def` job in this task."""
        started = self._begin(job, thread_id)
        try:
            await self._acall(job, thread_id)
        except BaseException as error:  # noqa: BLE001 - as above; a cancellation, too, ends only this job
            self._failed(job, error, thread_id, started)
        else:
            self._succeeded(job, thread_id, started)
        finally:
            del self._running[thread_id]
            if job.is_special:
                self._ended(job)
            if self._deadlines.timeouts:
                self._deadlines.unwatch(thread_id)

    def unstarted(self, job: UnitOfWork, error: BaseException, thread_id: str) -> None:
        """Settle a job that could not be started, as one that failed."""
        self._failed(job, error, thread_id, time.perf_counter())
        if job.is_special:
            self._ended(job)

    def _call(self, job: UnitOfWork, thread_id: str) -> None:
        item, definition = self._enter(job, thread_id)
        if self._middleware.entries:
            self._middleware.invoke(item, partial(definition.run, item))
        else:
            definition.run(item)

    async def _acall(self, job: UnitOfWork, thread_id: str) -> None:
        item, definition = self._enter(job, thread_id)
        await self._middleware.ainvoke(item, partial(definition.run, item))

    def _enter(self, job: UnitOfWork, thread_id: str) -> tuple[Item, Definition]:
        if job.item is None or job.definition is None:
            raise job.problem or TypeError("a job without a payload or code has a problem that says so")
        if self._deadlines.cancelled_jids and job.jid in self._deadlines.cancelled_jids:
            job.halt = JobCancelled
            raise JobCancelled
        if (timeout := job.item.get("timeout")) is not None:
            self._deadlines.watch(thread_id, job, timeout)
        running.set(job.context)
        return job.item, job.definition

    def _begin(self, job: UnitOfWork, thread_id: str) -> float:
        self._running[thread_id] = (job, time.time())
        try:
            if job.is_special and job.asks.log_level:
                job_log_level.enter(job)
            if self._has_lines(_INFO) and job.item is not None:
                job_lines.started(job.item, thread_id)
        except BaseException as problem:  # noqa: BLE001 - of users' loggers, which keep no job from running
            complain(problem, "the start of a job could not be logged")
        return time.perf_counter()

    def _ended(self, job: UnitOfWork) -> None:
        if job.asks.log_level:
            quietly(job_log_level.leave)
        if job.asks.suspect:
            self._suspects.ended(job)

    def _succeeded(self, job: UnitOfWork, thread_id: str, started: float) -> None:
        seconds = time.perf_counter() - started
        if job.comes_again is not None:
            again = job.comes_again and not job.is_cancelled
            end = failure.interrupted(self._config, job, time.time()) if again else failure.over(job)
            self._fetcher.ended(job, end)
        elif job.is_special and (along := job.asks.along):
            self._fetcher.ended(job, outcome.over(job.queue, job.raw, "done", along=along))
        else:
            self._done(job)
        try:
            item = job.item
            if seconds < QUICK and item is not None and "wrapped" not in item:
                self._quick(job.definition)
            else:
                self._runs.add(job, seconds)
            if self._has_lines(_INFO) and item is not None:
                job_lines.ended(job, thread_id, seconds)
        except BaseException as problem:  # noqa: BLE001 - of users' loggers, or of what is left of the payload
            complain(problem, "the end of a job could not be logged")

    def _failed(self, job: UnitOfWork, error: BaseException, thread_id: str, started: float) -> None:
        if self._fetcher.closed.is_set() and is_told_to_end(error):
            return
        if job.item is None:
            self._fetcher.ended(job, failure.malformed(job, time.time()))
            report(self._config, error, {"context": "malformed payload, moved to the dead set", "raw": job.raw})
            return
        if job.is_cancelled:
            if job.definition is not None and job.definition.is_iterable:
                job.end_for_good()
            self._succeeded(job, thread_id, started)
            if not is_told_to_end(error):
                report(self._config, error, {"context": "a cancelled job raised", "job": job.item})
            return
        if job.halt is JobTimeout:
            error = _explained(error, self._deadlines.allowed(thread_id))
        ending = failure.ending_of(self._config, job, error, time.time())
        self._fetcher.ended(job, ending.outcome)
        quietly(self._runs.failed, job)
        quietly(job_lines.failed, self._config, job, error, ending, thread_id, time.perf_counter() - started)


def is_told_to_end(error: BaseException | None) -> bool:
    """Tell whether an exception is the process's stop or the job's cancellation, or was raised because of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if issubclass(type(error), (Shutdown, JobCancelled, asyncio.CancelledError)):
            return True
        seen.add(id(error))
        error = tracebacks.led_to_by(error)
    return False


def _explained(error: BaseException, seconds: float) -> BaseException:
    """Return the failure of a job whose time was up: it says so, for an `async def` job as for a `def` job."""
    sentence = f"the job ran longer than its timeout of {seconds:g} s"
    if type(error) is JobTimeout:
        error.args = (sentence,)
    elif issubclass(type(error), asyncio.CancelledError):
        cancelled = error
        error = JobTimeout(sentence).with_traceback(tracebacks.traceback_of(cancelled))
        error.__cause__ = cancelled
    return error


def _never(_level: int) -> bool:
    return False
