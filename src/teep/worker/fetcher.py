"""Reserving jobs and settling them: the one place where a capsule talks to Redis about jobs.

1. `take` gives a thread its next job. Where none is at hand, one thread (the leader) does the exchange for all:
   it acknowledges what is done and reserves the next jobs in one round trip, while the others wait for it.
   Quick jobs do not wait for it: the next one is sent when a batch begins to run, and read when that is used up.
2. Where Redis has none either, one thread waits in a blocked move a queue, with no polling; the job it gets is its.
3. `done` and `failed` note what became of a job; the next exchange tells Redis, at the latest after a tick.
4. What was reserved ahead and cannot start soon is given back (`tick`).
5. After an outage it compares what it holds with what lies in flight, so that a lost answer loses no job.

Every job that is in flight for this process is in its ledger until Redis has confirmed its settlement.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from teep.config import QueueOrder
from teep.drivers import Driver, Waiter
from teep.errors import RedisError
from teep.store import inflight, jobsets, queues
from teep.store.inflight import Outcome
from teep.store.jobsets import Limits
from teep.wire import keys
from teep.wire.commands import Command
from teep.wire.scripts import Exchanged
from teep.worker.ledger import Ledger, log_late
from teep.worker.outage import Outage
from teep.worker.prefetch import Prefetch
from teep.worker.reserved import Reserved

T = TypeVar("T")

logger = logging.getLogger("teep.fetcher")

# Seconds that a blocked move waits at the server: so long at most does it take from a queue that was just paused.
_BLOCK = 1


class _Sent(NamedTuple):
    """An exchange that is under way: what waits for its answer, and the jobs that it acknowledges."""

    answer: Callable[[], Exchanged]
    done: list[Reserved]


class Fetcher:
    """A capsule's stock of reserved jobs; safe to use from all of its threads."""

    def __init__(self, driver: Driver, identity: str, order: QueueOrder, outage: Outage, dead_limits: Limits) -> None:
        self._driver = driver
        self._identity = identity
        self._order = order
        self._outage = outage
        self._dead_limits = dead_limits
        self._waiter = Waiter(driver)
        self._prefetch = Prefetch()
        self._buffer: deque[Reserved] = deque()
        self._done: deque[Reserved] = deque()
        self._failed: deque[tuple[Reserved, Outcome]] = deque()
        self._sent: _Sent | None = None
        self._ledger = Ledger()
        self._exchanging = threading.Lock()  # guards the conversation with Redis, _sent, the ledger and _prefetch
        self._changed = threading.Condition()  # guards _idle and _someone_waits
        self._idle = 0
        self._someone_waits = False
        self._reconcile = False
        self._trusted_until = float("inf")
        self._last_tick: tuple[object, object, object] = (None, None, None)
        self.ahead = threading.Event()
        self.quiet = threading.Event()
        self.closed = threading.Event()

    @property
    def idle(self) -> int:
        """How many threads wait for a job."""
        return self._idle

    def take(self) -> Reserved | None:
        """Return the next job, waiting for one; None when the fetcher is closed."""
        while not self.closed.is_set():
            try:
                return self._buffer.popleft()
            except IndexError:
                self._refill()
        return None

    def take_async(self) -> Reserved | None:
        """Return the next job if it is at hand and an async one, without waiting."""
        try:
            job = self._buffer.popleft()
        except IndexError:
            return None
        if job.is_async:
            return job
        self._buffer.appendleft(job)
        return None

    def done(self, job: Reserved) -> None:
        """Note that a job succeeded."""
        self._done.append(job)

    def failed(self, job: Reserved, outcome: Outcome) -> None:
        """Note what is to become of a job that failed."""
        self._failed.append((job, outcome))

    def tick(self) -> None:
        """Look after what waits longer than it should: settle outcomes, give back jobs that do not start.

        Call it every 20 ms or so while `ahead` is set. What was there at the last tick already has waited.
        """
        self.ahead.clear()
        now = (self._first(self._buffer), self._first(self._done) or self._first(self._failed), self._sent)
        if now != (None, None, None):
            self.ahead.set()
        buffered, settled, sent = (
            current is not None and current is last for current, last in zip(now, self._last_tick, strict=True)
        )
        self._last_tick = now
        if buffered:
            self.give_back()
        if buffered or settled or sent:
            self.settle()

    def settle(self) -> bool:
        """Tell Redis what became of jobs; False where it cannot be told now."""
        with self._exchanging:
            found = self._exchange(0)
            self._keep(found or [])
        if found:
            self.ahead.set()
            self._wake(len(found))
        return found is not None

    def give_back(self) -> None:
        """Return what was reserved ahead to its queues, in its former order."""
        with self._exchanging:
            self._return(self._drain(self._buffer) + self._collect())
            self._prefetch.forget()

    def be_quiet(self) -> None:
        """Reserve nothing more, and return what was reserved ahead."""
        self.quiet.set()
        self._waiter.wake()
        self.give_back()
        self._wake_all()

    def close(self) -> None:
        """Let every `take` return. What is in flight then is for `requeue_all`."""
        self.closed.set()
        self.ahead.set()
        self.be_quiet()

    def disconnect(self) -> None:
        """Give the connections of the blocked moves back, when every `take` has returned."""
        self._waiter.close()

    def requeue_all(self) -> dict[str, int]:
        """Put everything still in flight back, unburnt; returns how many jobs by queue.

        Outcomes that come later change nothing.

        Raises:
            RedisError: Redis is away; the jobs stay in flight and will be rescued.
        """
        with self._exchanging:
            moved = self._driver.run(inflight.requeue_all(self._identity, list(self._order.weights)))
            self._ledger.clear()
            return moved

    def trust_until(self, moment: float) -> None:
        """Reserve only until then (monotonic seconds): others may take this process for dead soon after.

        Each heartbeat says it anew. Without it a process that was stopped for a minute, rescued and forgotten could
        reserve a job before it is registered again, and die with it where nobody looks.
        """
        self._trusted_until = moment

    @property
    def _may_reserve(self) -> bool:
        return not self.quiet.is_set() and time.monotonic() < self._trusted_until

    def suspect(self) -> None:
        """Take note that other processes may have given this one up: compare at the next exchange."""
        self._reconcile = True

    def _refill(self) -> None:
        """Get jobs into the buffer, or wait until someone did or something changed."""
        with self._changed:
            self._idle += 1
        try:
            if not self._lead() and not self.closed.is_set():
                self._await_job()
        finally:
            with self._changed:
                self._idle -= 1

    def _lead(self) -> bool:
        """Do an exchange unless another thread did one meanwhile; True where there are jobs now."""
        # During an outage one thread at a time tries, and none queues for the lock: a stop needs it, too.
        if not self._exchanging.acquire(blocking=not self._outage.goes_on):
            self._outage.wait(self.closed)
            return True
        try:
            if self._buffer:
                return True
            free = self._idle - self._someone_waits
            want = self._prefetch.want(max(1, free)) if self._may_reserve else 0
            jobs = self._exchange(want)
            if jobs is not None:
                self._keep(jobs)
                self._send_ahead()
                if len(jobs) > free or self._sent:
                    self.ahead.set()
        finally:
            self._exchanging.release()
        if jobs is None:
            self._outage.wait(self.closed)
            return True
        # One of the jobs is for this thread; where nobody is at the queues, one more thread has to go there.
        self._wake(len(jobs) - self._someone_waits)
        if len(jobs) > free and self._someone_waits:
            self._waiter.wake()
        return bool(jobs)

    def _await_job(self) -> None:
        """Wait in a blocked move, or for the thread that does."""
        with self._changed:
            if self._someone_waits or self.quiet.is_set():
                if not self._buffer and not self.closed.is_set():
                    self._changed.wait()
                return
            self._someone_waits = True
        taken = 0
        try:
            taken = self._blocked_move()
        finally:
            with self._changed:
                self._someone_waits = False
        # This thread will be busy; another one takes its place at the queues.
        self._wake(taken)

    def _blocked_move(self) -> int:
        """Wait for a job in any queue; returns how many were taken."""
        try:
            names = self._unpaused() if self._may_reserve else []
            if not names:
                self.quiet.wait(_BLOCK)
                return 0
            taken = self._waiter.wait(inflight.blocking_moves(self._identity, names, _BLOCK))
        except RedisError as error:
            self._lost(error)
            with self._exchanging:
                self._ledger.forget_adopted()
            self._outage.wait(self.closed)
            return 0
        with self._exchanging:
            fresh = [(names[index], raw) for index, raw in taken if not self._ledger.was_adopted(names[index], raw)]
            if len(fresh) < len(taken):
                # Most likely the adopted job itself; where it was given back meanwhile and taken anew, this finds it.
                self._reconcile = True
            self._ledger.forget_adopted()
            jobs = [Reserved(queue, raw) for queue, raw in fresh]
            self._ledger.own(jobs)
            self._prefetch.forget()
            self._keep(jobs)
        self._outage.over()
        return len(jobs)

    def _keep(self, jobs: list[Reserved]) -> None:
        """Put jobs into the buffer; a quiet process gives them back. Needs `_exchanging`."""
        if self.quiet.is_set():
            self._return(jobs)
        else:
            self._buffer.extend(jobs)

    def _unpaused(self) -> list[str]:
        paused = self._driver.run(queues.paused())
        return [name for name in self._order.names() if name not in paused]

    def _return(self, jobs: list[Reserved]) -> None:
        """Give reserved jobs back to their queues. Needs `_exchanging`."""
        by_queue: dict[str, list[bytes]] = {}
        for job in jobs:
            by_queue.setdefault(job.queue, []).append(job.raw)
        # Where this fails they are unknown from now on: the comparison that follows finds those still in flight.
        self._ledger.disown(jobs)
        try:
            for queue, raws in by_queue.items():
                self._driver.run(inflight.give_back(self._identity, queue, raws))
        except RedisError as error:
            self._lost(error)
        if jobs:
            logger.debug("gave back %d jobs that could not start soon", len(jobs))

    def _exchange(self, want: int) -> list[Reserved] | None:
        """Settle what is settled here and reserve up to `want` jobs; None where Redis is away.

        Needs `_exchanging`.
        """
        came = self._collect()
        if came and want:
            return came
        done, failed = self._drain(self._done), self._drain(self._failed)
        adopted: list[Reserved] = []
        try:
            if self._reconcile:
                adopted = self._reconciled(done, failed)
            if not (done or failed or want):
                return came + adopted
            jobs = self._tell(done, failed, want)
        except RedisError as error:
            self._untold(done, failed)
            self._buffer.extend(came + adopted)
            self._lost(error)
            return None
        self._outage.over()
        self._prefetch.learn(len(done) + len(failed), time.monotonic())
        return came + adopted + jobs

    def _send_ahead(self) -> None:
        """Ask for the next jobs while those at hand are run, where these are quick. Needs `_exchanging`."""
        want = self._prefetch.ahead()
        if not want or not self._may_reserve or self._sent or self._reconcile or self._failed:
            return
        done = self._drain(self._done)
        self._sent = _Sent(self._driver.send(self._question(done, want)), done)
        self._prefetch.learn(len(done), time.monotonic())

    def _collect(self) -> list[Reserved]:
        """Return the jobs of the exchange that was sent ahead, waiting for its answer. Needs `_exchanging`."""
        sent, self._sent = self._sent, None
        if sent is None:
            return []
        try:
            return self._answered(sent.answer(), sent.done)
        except RedisError as error:
            self._untold(sent.done, [])
            self._lost(error)
            return []

    def _tell(self, done: list[Reserved], failed: list[tuple[Reserved, Outcome]], want: int) -> list[Reserved]:
        if failed:
            self._tell_failed(failed)
        if not (done or want):
            return []
        return self._answered(self._driver.execute(self._question(done, want)), done)

    def _tell_failed(self, failed: list[tuple[Reserved, Outcome]]) -> None:
        moved = self._driver.run(inflight.fail(self._identity, [outcome for _, outcome in failed], _today()))
        self._ledger.disown(job for job, _ in failed)
        for (job, _), was_ours in zip(failed, moved, strict=True):
            if not was_ours:
                log_late(job.raw)
        died = any(outcome.target == keys.dead() for _, outcome in failed)
        failed.clear()
        if died:
            self._driver.run(jobsets.trim_dead(time.time(), self._dead_limits))

    def _question(self, done: list[Reserved], want: int) -> Command[Exchanged]:
        by_queue: dict[str, list[bytes]] = {}
        for job in done:
            by_queue.setdefault(job.queue, []).append(job.raw)
        return inflight.exchange(self._identity, by_queue, self._order.names(), want, _today())

    def _answered(self, answer: Exchanged, done: list[Reserved]) -> list[Reserved]:
        self._ledger.disown(done)
        for raw in answer.late:
            log_late(raw)
        jobs = [Reserved(queue, raw) for queue, raw in answer.reserved]
        self._ledger.own(jobs)
        return jobs

    def _untold(self, done: list[Reserved], failed: list[tuple[Reserved, Outcome]]) -> None:
        """Keep what Redis may not know, for the comparison and the exchange that follow."""
        self._done.extendleft(reversed(done))
        self._failed.extendleft(reversed(failed))
        self._ledger.doubt(done)
        self._ledger.doubt(job for job, _ in failed)

    def _reconciled(self, done: list[Reserved], failed: list[tuple[Reserved, Outcome]]) -> list[Reserved]:
        """Compare with what lies in flight: return jobs that are ours unknowingly, let go what is not ours any more.

        An outcome whose job is gone was told to Redis before its answer was lost; else the job was given to others.
        """
        held = self._driver.run(inflight.held(self._identity, list(self._order.weights)))
        unknown = self._ledger.compare(held)
        done[:] = [job for job in done if not self._ledger.is_gone_settled(job)]
        failed[:] = [(job, outcome) for job, outcome in failed if not self._ledger.is_gone_settled(job)]
        for job in self._drain(self._buffer):
            if not self._ledger.is_gone(job):
                self._buffer.append(job)
        self._ledger.compared()
        self._reconcile = False
        if self._someone_waits:
            self._ledger.adopt(unknown)
        return unknown

    def _lost(self, error: RedisError) -> None:
        self._reconcile = True
        self._outage.began(error)

    def _wake(self, count: int) -> None:
        if count > 0:
            with self._changed:
                self._changed.notify(count)

    def _wake_all(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @staticmethod
    def _drain(items: "deque[T]") -> list[T]:
        """Take everything out; threads may append meanwhile, and what they append stays."""
        return [items.popleft() for _ in range(len(items))]

    @staticmethod
    def _first(items: "deque[Reserved] | deque[tuple[Reserved, Outcome]]") -> object:
        try:
            return items[0]
        except IndexError:
            return None


def _today() -> date:
    return datetime.now(UTC).date()
