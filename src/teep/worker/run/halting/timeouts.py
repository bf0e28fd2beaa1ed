"""Jobs that must end before they have finished: their time is up, or they were cancelled.

1. A job is interrupted when its timeout has passed. A cancelled job first gets a moment to notice that by itself.
2. A job that runs on regardless is reported with its stack, at growing intervals.
3. Cancellations are remembered for jobs that start later.

One thread does all this and sleeps while nothing is due. Functions that a job's thread calls take no lock, because an
interruption may come at any of its bytecodes.
"""

import math
import queue
from collections.abc import Callable
from typing import Protocol

from teep.clock import monotonic
from teep.errors import JobCancelled, JobTimeout
from teep.runtime.service import OnError, Service
from teep.telling import INTERRUPTIONS, Logger
from teep.wire import options
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.halting.cancellations import Cancels
from teep.worker.run.work_set import LocalWorkSet

logger = Logger("teep")
# For lines logged in a job's thread, where an interruption may come.
_in_job = Logger("teep", passing=INTERRUPTIONS)

# Seconds until an interrupted job that runs on is reported; then twice as long each time, up to the longest.
_FIRST_REPORT = 1.0
_LONGEST_REPORT = 300.0


class Runner(Protocol):
    """Runs jobs, and can interrupt them. `grace`: seconds in which a cancelled job may end by itself."""

    grace: float

    def interrupt(self, thread_id: str, job: UnitOfWork, kind: type[BaseException], /) -> None:
        """Raise `kind` in a job, or cancel its task, if it still runs."""

    def stack(self, thread_id: str, /) -> str:
        """Return the current stack of a job."""
        ...


class _Watch:
    """A running job that must end at `due` (monotonic seconds); once `told` so, `due` is its next report."""

    __slots__ = ("due", "job", "pause", "reason", "seconds", "thread_id", "told")

    def __init__(self, thread_id: str, job: UnitOfWork, reason: type[BaseException], seconds: float) -> None:
        self.thread_id = thread_id
        self.job = job
        self.reason = reason
        self.seconds = seconds
        self.due = monotonic() + seconds
        self.told: float | None = None
        self.pause = _FIRST_REPORT


class Timeouts(Service):
    """Interrupts the jobs of a capsule that must end."""

    def __init__(self, running: LocalWorkSet, runner_of: Callable[[UnitOfWork], Runner], on_error: OnError) -> None:
        super().__init__("deadlines", on_error)
        self._running = running
        self._runner_of = runner_of
        self._cancels = Cancels()
        self.cancelled_jids = self._cancels.jids
        # Each job's thread writes and removes its own watch, so that a slow look at one never removes the next one.
        self.timeouts: dict[str, _Watch] = {}
        self._graces: list[_Watch] = []
        self._orders: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._wakes_at = math.inf

    def watch(self, thread_id: str, job: UnitOfWork, timeout: object) -> None:
        """Watch a job that starts, for the timeout of its payload."""
        seconds = options.seconds(timeout)
        if seconds is None:
            _in_job.warning("a timeout that is not seconds above 0 is ignored: %r", timeout, extra=job.named())
            return
        watch = _Watch(thread_id, job, JobTimeout, seconds)
        self.timeouts[thread_id] = watch
        if watch.due < self._wakes_at:
            self._orders.put(None)

    def unwatch(self, thread_id: str) -> None:
        """Note that a job with a timeout has ended."""
        self.timeouts.pop(thread_id, None)

    def allowed(self, thread_id: str) -> float:
        """Return how long (seconds) a watched job may take."""
        return self.timeouts[thread_id].seconds

    def cancel(self, jid: str) -> None:
        """Cancel a job that runs here, or will start here; from any thread."""
        self._orders.put(jid)

    def interrupt(self) -> None:
        self._orders.put(None)

    def pause(self) -> float:
        return 0.0

    def run_once(self) -> None:
        """Act on watches that are due, then wait for the next one."""
        # Until the next time is known, every new watch wakes this thread, so that none is missed.
        self._wakes_at = math.inf
        self._wakes_at = self._do_what_is_due(monotonic())
        try:
            wait = None if self._wakes_at == math.inf else max(0.0, self._wakes_at - monotonic())
            jid = self._orders.get(timeout=wait)
        except queue.Empty:
            return
        if jid is not None:
            self._cancel(jid, monotonic())

    def _do_what_is_due(self, now: float) -> float:
        """Act on watches that are due; return when the next one is (monotonic seconds)."""
        watches = [*self.timeouts.copy().values(), *self._graces]
        for watch in watches:
            if watch.due <= now:
                try:
                    self._act(watch, now)
                except BaseException as error:  # noqa: BLE001 - of one job, which must not delay another's end
                    self._on_error(error, self.name)
        self._graces = [watch for watch in self._graces if watch.due < math.inf]
        return min([self._cancels.forget(now), *(watch.due for watch in watches)])

    def _cancel(self, jid: str, now: float) -> None:
        # First remember, then look: a job that starts meanwhile first shows itself as running and then looks here.
        self._cancels.add(jid, now)
        for thread_id, job in self._running.pairs():
            if job.jid == jid and job.halt is not JobCancelled:
                job.halt = JobCancelled
                self._graces.append(_Watch(thread_id, job, JobCancelled, self._runner_of(job).grace))

    def _act(self, watch: _Watch, now: float) -> None:
        job = watch.job
        if self._running.job(watch.thread_id) is not job or job.halt not in (None, watch.reason):
            watch.due = math.inf  # it has ended, or it was cancelled since and has another watch
            return
        watch.due = now + watch.pause
        if watch.told is None:
            watch.told = now
            job.halt = watch.reason
            self._runner_of(job).interrupt(watch.thread_id, job, watch.reason)
        else:
            watch.pause = min(watch.pause * 2, _LONGEST_REPORT)
            watch.due = now + watch.pause
            self._report(watch, now - watch.told)

    def _report(self, watch: _Watch, since: float) -> None:
        logger.warning(
            "a job runs on %.0f s after its %s:\n%s",
            since,
            "cancellation" if watch.reason is JobCancelled else "timeout",
            self._runner_of(watch.job).stack(watch.thread_id),
            extra=watch.job.named(),
        )
