"""The source of a capsule's jobs: decides which thread asks Redis, which ones wait, and which are woken.

1. `take` gives a thread its next job. If the stock is empty, one thread (the leader) does the exchange for all, while
   the others wait. It acknowledges finished jobs and reserves the next ones in one round trip.
   Quick jobs do not wait for that: the next exchange is sent when a batch begins to run, and read when it is used up.
2. If Redis has no job either, one thread waits in a blocking move for each queue, with no polling, and runs that job.
3. `done`, `done_along` and `ended` note a job's outcome; the next exchange tells Redis, at the latest after a tick.
4. `tick` returns jobs that were reserved ahead and cannot start soon.
"""

import threading

from teep.clock import monotonic
from teep.config import QueueOrder
from teep.drivers import Waiter
from teep.errors import RedisCommandError, RedisError
from teep.runtime.component import Component
from teep.store.jobs import queues
from teep.store.running import inflight
from teep.store.running.outcome import Outcome
from teep.worker.fetch.ends import apart, drain, first
from teep.worker.fetch.reserver import Reserver
from teep.worker.fetch.tallies import Tallies
from teep.worker.fetch.unit import UnitOfWork

# Seconds that a blocking move waits at the server. For no longer does it take jobs from a queue that was just paused.
_BLOCK = 1


class Fetcher:
    """A capsule's stock of reserved jobs; safe to use from all of its threads."""

    def __init__(self, component: Component, order: QueueOrder, runs: Tallies) -> None:
        self._driver = component.driver
        self._identity = component.identity
        self._order = order
        self._outage = component.outage
        self._notices = component.notices
        self._runs = runs
        self._waiter = Waiter(component.driver)
        self._exchange = Reserver(component, order)
        self._stock = self._exchange.stock
        self.done = self._exchange.ends.done.append
        """Note that a job succeeded. It is the deque's own method, since it is called for each job."""
        self.done_along = self._exchange.ends.along.append
        """Note that a job succeeded, with whose success parts go along."""
        self._exchanging = threading.Lock()  # guards _exchange
        self._changed = threading.Condition()  # guards _idle and _someone_waits
        self._idle = 0
        self._someone_waits = False
        self._trusted_until = float("inf")
        self.turned_at = monotonic()
        """When the fetch loop last finished a turn, whether or not that succeeded (monotonic seconds)."""
        self._last_tick: tuple[object, object, object] = (None, None, None)
        self.ahead = threading.Event()
        self.quiet = threading.Event()
        self.closed = threading.Event()

    @property
    def idle(self) -> int:
        """How many threads wait for a job."""
        return self._idle

    @property
    def late(self) -> int:
        """How many outcomes came too late: another worker already had the job."""
        return self._exchange.settlement.late

    @property
    def settled(self) -> int:
        """How many ended jobs have been reported to Redis."""
        return self._exchange.settlement.settled

    def take(self) -> UnitOfWork | None:
        """Return the next job, waiting for one; None when the fetcher is closed."""
        while True:
            try:
                return self._stock.popleft()
            except IndexError:
                if self.closed.is_set():
                    return None
                self._refill()

    def take_async(self) -> UnitOfWork | None:
        """Return the next job if it is in the stock, async and not special, without waiting; else None."""
        try:
            job = self._stock.popleft()
        except IndexError:
            return None
        if job.is_async and not job.is_special:
            return job
        self._stock.appendleft(job)
        return None

    def ended(self, job: UnitOfWork, outcome: Outcome) -> None:
        """Note a job's outcome other than a success. What the job held is given back in the same step."""
        if job.held:
            outcome = outcome._replace(held=tuple(hold.part for hold in job.held))
        self._exchange.ends.add(job, outcome)

    def done_apart(self, job: UnitOfWork) -> None:
        """Note that a job succeeded with whose success large parts go along: they are sent in portions."""
        self._exchange.ends.add_others([apart(job)])

    def stocked(self) -> list[UnitOfWork]:
        """Return the reserved jobs that have not started; threads may take them meanwhile."""
        return list(self._stock.copy())

    def tick(self) -> None:
        """Settle outcomes that have waited too long, and return jobs that do not start to their queues.

        Call it every 10 ms or so while `ahead` is set. Anything that was there at the last tick has waited too long.
        """
        self.ahead.clear()
        now = (first(self._stock), self._exchange.ends.first(), self._exchange.sent)
        if now != (None, None, None):
            self.ahead.set()
        stocked, settled, sent = (
            current is not None and current is last for current, last in zip(now, self._last_tick, strict=True)
        )
        self._last_tick = now
        if stocked and self._exchange.may_give_back:
            self.give_back()
        if stocked or settled or sent:
            self.settle()

    def settle(self) -> bool:
        """Tell Redis the outcomes of jobs; False if that is not possible now."""
        with self._exchanging:
            found = self._exchange.exchange(0, moving=self._someone_waits)
            self._keep(found or [])
        self._tell_buried()
        if found:
            self.ahead.set()
            self._wake(len(found))
        return found is not None

    def give_back(self) -> None:
        """Return jobs that were reserved ahead to their queues, in their former order."""
        with self._exchanging:
            self._exchange.give_back_stock()

    def be_quiet(self) -> None:
        """Reserve no more jobs, and return those that were reserved ahead."""
        self.quiet.set()
        self._waiter.wake()
        self.give_back()
        self._wake_all()

    def close(self) -> None:
        """Let every `take` return. `requeue_all` then returns the jobs in flight."""
        self.closed.set()
        self.ahead.set()
        self.be_quiet()

    def disconnect(self) -> None:
        """Give the connections of the blocking moves back, once every `take` has returned."""
        self._waiter.close()

    def disown(self) -> None:
        """Let go of everything in a fork. It takes no lock, since a thread of the parent may seem to hold it."""
        self._stock.clear()
        self.quiet, self.closed = threading.Event(), threading.Event()
        self.quiet.set()
        self.closed.set()

    def requeue_all(self) -> dict[str, int]:
        """Return all jobs in flight to their queues without counting an attempt; returns how many by queue.

        Outcomes that come later change nothing.

        Raises:
            RedisError: Redis is away; the jobs stay in flight and will be rescued.
        """
        try:
            with self._exchanging:
                return self._exchange.requeue_all()
        finally:
            self._tell_buried()

    def trust_until(self, moment: float) -> None:
        """Reserve only until then (monotonic seconds): other workers may take this process for dead soon after.

        Each heartbeat renews it. Without it, a process that was frozen for a minute, rescued and forgotten could
        reserve a job before it is registered again. If it then died, no worker would find that job.
        """
        self._trusted_until = moment

    @property
    def _may_reserve(self) -> bool:
        return not self.quiet.is_set() and monotonic() < self._trusted_until

    def suspect(self) -> None:
        """Compare the jobs held here with those in flight in Redis, at the next exchange."""
        self._exchange.suspect()

    def _refill(self) -> None:
        """Get jobs into the stock, or wait until another thread did or something changed."""
        with self._changed:
            self._idle += 1
        try:
            if not self._lead() and not self.closed.is_set():
                self._await_job()
        finally:
            with self._changed:
                self._idle -= 1
        self._tell_buried()

    def _tell_buried(self) -> None:
        """Tell of jobs that are dead because they are too large; not under the lock, since user code hears of it."""
        if not self._exchange.settlement.buried:
            return
        with self._exchanging:
            deaths = drain(self._exchange.settlement.buried)
        for died in deaths:
            self._notices.give(died)

    def _lead(self) -> bool:
        """Do an exchange unless another thread did one meanwhile; True if there are jobs now."""
        # During an outage one thread at a time tries, and no thread waits for the lock: a stop needs it, too.
        if not self._exchanging.acquire(blocking=not self._outage.goes_on):
            self._outage.wait(self.closed)
            return True
        try:
            if self._stock:
                return True
            # Here, since Redis is busy meanwhile with the exchange that was sent ahead.
            self._runs.fold()
            free = self._idle - self._someone_waits
            jobs = self._reserve(max(1, free))
            if jobs is not None and (len(jobs) > free or self._exchange.sent):
                self.ahead.set()
        finally:
            self._exchanging.release()
        self.turned_at = monotonic()
        if jobs is None:
            self._outage.wait(self.closed)
            return True
        # One of the jobs is for this thread. If no thread waits at the queues, one more has to go there.
        self._wake(len(jobs) - self._someone_waits)
        if len(jobs) > free and self._someone_waits:
            self._waiter.wake()
        return bool(jobs)

    def _reserve(self, free: int) -> list[UnitOfWork] | None:
        """Get jobs for `free` threads, and the next ones ahead; None if Redis is away. Needs `_exchanging`."""
        want = self._exchange.prefetch.want(free) if self._may_reserve else 0
        jobs = self._exchange.exchange(want, moving=self._someone_waits)
        if jobs is not None:
            self._keep(jobs)
            if self._may_reserve:
                self._exchange.send_ahead()
        return jobs

    def _await_job(self) -> None:
        """Wait in a blocking move, or for the thread that does."""
        with self._changed:
            if self._someone_waits or self.quiet.is_set():
                if not self._stock and not self.closed.is_set():
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
                self._changed.notify(taken)

    def _blocked_move(self) -> int:
        """Wait for a job in any queue; returns how many were taken."""
        try:
            names = self._unpaused() if self._may_reserve else []
            if not names:
                self.quiet.wait(_BLOCK)
                return 0
            taken = self._waiter.wait(inflight.blocking_moves(self._identity, names, _BLOCK))
        except RedisError as error:
            if refused := isinstance(error, RedisCommandError):
                self._exchange.refused(error)
            else:
                self._exchange.lost(error)
            with self._exchanging:
                self._exchange.forget_moves()
            # If Redis refuses the command, it is there: then try again at intervals.
            self.closed.wait(_BLOCK) if refused else self._outage.wait(self.closed)
            return 0
        with self._exchanging:
            jobs = self._exchange.moved([(names[index], raw) for index, raw in taken])
            self._keep(jobs)
        self._outage.over()
        return len(jobs)

    def _keep(self, jobs: list[UnitOfWork]) -> None:
        """Put jobs into the stock; a quiet process gives them back. Needs `_exchanging`."""
        if self.quiet.is_set():
            self._exchange.give_back(jobs)
        else:
            self._stock.extend(jobs)

    def _unpaused(self) -> list[str]:
        left_out = self._driver.run(queues.paused()) | self._exchange.closed_queues.keys()
        return [name for name in self._order.names() if name not in left_out]

    def _wake(self, count: int) -> None:
        if count > 0:
            with self._changed:
                self._changed.notify(count)

    def _wake_all(self) -> None:
        with self._changed:
            self._changed.notify_all()
