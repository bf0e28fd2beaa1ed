"""A capsule: queues, and the slots that run their jobs.

Each slot is a thread. It runs a `def` job itself. It hands an `async def` job to the loop and rests until a slot is
free there, so that threads and coroutines together never exceed the concurrency.
"""

import threading
import time

from teep.clock import monotonic
from teep.config import CapsuleConfig
from teep.config.capsules import DEFAULT
from teep.config.handlers import report
from teep.errors import RedisError, Shutdown
from teep.job.context import runtime
from teep.runtime import forks, identity
from teep.runtime.component import Component
from teep.runtime.notices import Skipped
from teep.store import features
from teep.store.feature import Barred
from teep.telling import Logger
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.admission import Admission
from teep.worker.run.foreign import ForeignProcessor
from teep.worker.run.guards import Guards
from teep.worker.run.halting.interrupts import Interrupts
from teep.worker.run.halting.timeouts import Runner, Timeouts
from teep.worker.run.loop import JobLoop
from teep.worker.run.poison import postponed
from teep.worker.run.processor import Controls, Processor, Shared
from teep.worker.run.work_set import LocalWorkSet
from teep.worker.signals import Presses

logger = Logger("teep")

# How often (seconds) to look at jobs that were reserved ahead; one that has not started within two looks goes back.
_TICK = 0.01
# How often (seconds) to look whether the running jobs have ended, during a stop.
_LOOK = 0.01
# How long (seconds) a thread waits after a failure of teep's own, which may come again at once.
_PAUSE = 1.0
# How long (seconds) jobs get to end after they were told that the process must stop.
LAST_MOMENT = 3.0
# The same after a second Ctrl-C: a job that reacts ends at once.
_SHORT_MOMENT = 0.5


class Capsule:
    """Runs the jobs of its queues, at most `concurrency` at a time."""

    def __init__(self, component: Component, name: str, own: CapsuleConfig, shared: Shared) -> None:
        self.name = name
        self.own = own
        self.concurrency = own.concurrency
        self.order = own.order
        self.config = component.config
        self.identity = component.identity
        self.state = component.state
        self.fetcher = Fetcher(component, self.order, shared.runs)
        self.running = LocalWorkSet()
        self._driver = component.driver
        self._notices = component.notices
        self._suspects = shared.suspects
        self._reports = shared.reports
        self._admission = Admission(component, self.fetcher.stocked)
        self._interrupts = Interrupts()
        self._deadlines = Timeouts(self.running, self._runner_of, self._on_error)
        controls = Controls(self.running, self._interrupts, self._deadlines)
        self._processor = Processor(component, self.fetcher, shared, controls)
        self._slots = threading.Semaphore(0)
        self._guards = Guards(component)
        # If there are guards, each async job comes through a thread, which asks them.
        following = _nothing if self._guards.are_there else self.fetcher.take_async
        self._loop = JobLoop(self.fetcher, self._processor, self._slots.release, following)
        self._threads: list[threading.Thread] = []
        self._ticker = threading.Thread(target=self._tick, name="teep-ticker", daemon=True)

    def start(self) -> None:
        """Start the threads and the loop."""
        self._loop.start()
        self._ticker.start()
        self._deadlines.start()
        prefix = "teep-job" if self.name == DEFAULT else f"teep-job-{self.name}"
        for number in range(self.concurrency):
            thread = threading.Thread(target=self._work, name=f"{prefix}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def quiet(self) -> None:
        """Take no more jobs; running ones go on. Idempotent."""
        self.fetcher.be_quiet()

    def cancel(self, jid: str) -> None:
        """End a job for good that runs here or will start here."""
        self._deadlines.cancel(jid)

    def stop(self, deadline: float, presses: Presses) -> None:
        """Let running jobs finish until `deadline` (monotonic seconds), then requeue and end the rest.

        A second press of Ctrl-C is the deadline, too. Jobs return to their queues before their threads are told to
        end, so that no job is lost, whatever its thread does then.
        """
        self.quiet()
        while self.busy and monotonic() < deadline and not presses.in_a_hurry:
            time.sleep(_LOOK)
        self._settle()
        self._deadlines.stop()
        self.fetcher.close()
        self._interrupts.close()
        self._requeue()
        unfinished = self.running.pairs()
        for _ in self._threads:
            self._slots.release()
        if unfinished:
            logger.warning("%d jobs did not finish in time and are back in their queues", len(unfinished))
        self._raise_shutdown(unfinished)

    def join(self, deadline: float, presses: Presses) -> bool:
        """Wait for the jobs that were told to end, until `deadline` (monotonic seconds); True if none is stuck."""
        began = monotonic()
        while self.running.busy or any(thread.is_alive() for thread in self._threads):
            now = monotonic()
            if now >= deadline or (presses.in_a_hurry and now >= began + _SHORT_MOMENT):
                break
            time.sleep(_LOOK)
        stuck = self.running.pairs()
        self._loop.stop(min(deadline, monotonic()) if presses.in_a_hurry else deadline)
        for _, job in stuck:
            logger.warning(
                "a job still runs after it was told to stop; its process ends regardless", extra=job.named()
            )
        self.fetcher.disconnect()
        return not stuck

    def disown(self) -> None:
        """Let go, in a fork, of the jobs and of the threads that run them."""
        self._processor.__class__ = ForeignProcessor
        self._interrupts.disown()
        self.fetcher.disown()

    @property
    def jobs(self) -> list[UnitOfWork]:
        """The jobs that run, and those that were reserved ahead."""
        return [job for _, job in self.running.pairs()] + self.fetcher.stocked()

    @property
    def busy(self) -> int:
        """How many slots are taken. A job counts as soon as a thread has it, before it is shown as running."""
        return len(self._threads) - self.fetcher.idle

    @property
    def is_stopping(self) -> bool:
        """Whether it takes no more jobs, and waits for the running ones to end."""
        return self.fetcher.quiet.is_set()

    def has_progress(self) -> None:
        """Have the progress of running jobs written soon."""
        if not self._reports.is_set():
            self._reports.set()

    @forks.ends_in_fork
    def _work(self) -> None:
        """The life of a slot."""
        runtime.set(self)
        thread_id = identity.thread_id()
        self._interrupts.register(thread_id)
        take_on = self._take_on_guarded if self._guards.are_there else self._take_on
        while True:
            try:
                while (job := self.fetcher.take()) is not None:
                    take_on(job, thread_id)
            except BaseException as error:  # noqa: BLE001 - a slot lives as long as its process; all is reported
                self._on_error(error, "fetcher")
                self.fetcher.closed.wait(_PAUSE)
            else:
                return

    def _take_on_guarded(self, job: UnitOfWork, thread_id: str) -> None:
        if (barred := self._guards.barred(job)) is None:
            self._take_on(job, thread_id)
        else:
            self._skip(job, barred, f"kept from running: {barred.word}")

    def _take_on(self, job: UnitOfWork, thread_id: str) -> None:
        """Run a job, hand it to the loop, or skip it."""
        try:
            if job.is_special and (barred := self._kept_from_running(job)) is not None:
                self._skip(job, barred, barred.word)
            elif job.is_async:
                self._loop.submit(job)
                self._slots.acquire()
            else:
                self._processor.run(job, thread_id)
        except BaseException as error:  # noqa: BLE001 - teep's own failure: the slot lives on, the job stays in flight
            report(self.config, error, {"context": "a job could not be settled", "raw": job.raw})

    def _skip(self, job: UnitOfWork, barred: Barred, line: str) -> None:
        self.fetcher.ended(job, barred.outcome)
        self._notices.give(Skipped(job, barred, line))

    def _kept_from_running(self, job: UnitOfWork) -> Barred | None:
        """Return the outcome of a job that must not run now, or None if it may start and features know that."""
        item = job.item or {}
        if (
            job.asks.before
            and not features.all_pass(item)
            and (barred := self._driver.run(features.admit(job))) is not None
        ):
            return barred
        if job.asks.limited and (barred := self._admission.barred(job)) is not None:
            return barred
        if job.is_suspect and not self._suspects.admit(job):
            return postponed(job)
        if job.asks.before and features.wants_start(item):
            self._driver.run(features.starts(job))
        return None

    @forks.ends_in_fork
    def _tick(self) -> None:
        while not self.fetcher.closed.is_set():
            self.fetcher.ahead.wait()
            self.fetcher.closed.wait(_TICK)
            try:
                self.fetcher.tick()
            except BaseException as error:  # noqa: BLE001 - as in `_work`
                self._on_error(error, "ticker")
                self.fetcher.closed.wait(_PAUSE)

    def _settle(self) -> None:
        if not self.fetcher.settle():
            logger.error("Redis is away and was not told which jobs have finished here; they may run again")

    def _requeue(self) -> None:
        try:
            for queue, count in self.fetcher.requeue_all().items():
                logger.info("put %d jobs back into %s", count, queue)
        except RedisError as error:
            logger.error("unfinished jobs stay in flight until another process rescues them: %s", error)  # noqa: TRY400 - an outage needs no traceback

    def _raise_shutdown(self, unfinished: list[tuple[str, UnitOfWork]]) -> None:
        self._loop.cancel_all()
        for thread_id, job in unfinished:
            if not job.is_async:
                self._interrupts.interrupt(thread_id, job, Shutdown)

    def _runner_of(self, job: UnitOfWork) -> Runner:
        return self._loop if job.is_async else self._interrupts

    def _on_error(self, error: BaseException, service: str) -> None:
        report(self.config, error, {"context": service})


def _nothing() -> None:
    """No job follows."""
