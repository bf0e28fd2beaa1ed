"""A worker inside the test's own process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from teep import clock
from teep.api import ScheduledSet, Stats
from teep.api.limits import LimiterSet
from teep.config import Config, driver_for
from teep.errors import NotHere
from teep.job.definition import registered
from teep.runtime.component import Component
from teep.store import features
from teep.store.jobs import queues
from teep.testing.idle import waiting
from teep.testing.waiting import wait_until
from teep.worker import Worker
from teep.worker.services.poller import Poller

T = TypeVar("T")

# Seconds that running jobs get when the test is over.
_STOP = 5.0


class InProcessWorker:
    """A real worker on a configuration, which runs jobs while it drains, or from `start` to `stop`.

    It serves the queues of the configuration, those of every job that is imported, and those that Redis knows.
    `errors` are those that jobs have raised, in order.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.errors: list[BaseException] = []
        self._driver = driver_for(config)
        self._worker: Worker | None = None

    def start(self) -> None:
        """Run jobs from now on, in threads of their own. Idempotent."""
        if self._worker is None:
            config = self.config.copy(queues=self._queues(), health=None)
            config.error_handlers.append(self._note)
            clock.travel(on=True)  # limits go by the time of the test, which may move it
            self._worker = Worker(config, watcher=_Unwatched())
            self._worker.start()

    def stop(self) -> None:
        """Run no more jobs. Idempotent."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(_STOP)
            clock.travel(on=False)

    def drain(self, *, timeout: float = 30.0, with_scheduled: bool = False, raise_errors: bool = True) -> int:
        """Run every job that waits or is due, and the jobs that those push, until none is left; return how many ran.

        A job that fails is retried only if its retry is due: travel in time for that.

        Args:
            timeout: seconds that it may take.
            with_scheduled: run scheduled jobs now, whenever they are due. Limits that hold them up in time are reset.
            raise_errors: raise the first error of a job, once all have run; otherwise see `errors` and
                `teep.RetrySet()`.

        Raises:
            TimeoutError: jobs were still waiting or running after `timeout`.
        """
        before, seen = Stats(config=self.config).processed, len(self.errors)
        with self._running():
            self.wait_until(lambda: self._is_idle(with_scheduled=with_scheduled), timeout)
        if raise_errors and self.errors[seen:]:
            raise self.errors[seen]
        return Stats(config=self.config).processed - before

    def wait_until(self, condition: Callable[[], T], timeout: float = 30.0) -> T:
        """Call `condition` until its result is true, and return that.

        Raises:
            TimeoutError: it was not within `timeout` seconds.
        """
        return wait_until(condition, timeout, self._left)

    def _left(self) -> str:
        sizes = self._driver.run(queues.sizes(self._driver.run(queues.names())))
        return f"jobs that wait: {sizes}; errors: {self.errors}"

    @contextmanager
    def _running(self) -> Iterator[None]:
        if self._worker is not None:
            yield
            return
        self.start()
        try:
            yield
        finally:
            self.stop()

    def _is_idle(self, *, with_scheduled: bool) -> bool:
        if with_scheduled:
            self._open_limits()
            ScheduledSet(config=self.config).retry_all()
        Poller(Component.alone(self.config, self._note)).run_once()
        if self._worker is None:
            raise NotHere("the worker was stopped while it drained")
        left = self._driver.run(waiting(self._worker.identity))
        if left and not left.keys() <= _served(self._worker.config):
            # A job has pushed to a queue that nobody knew of.
            self.stop()
            self.start()
        # Meanwhile a limit may have sent one back into the scheduled set.
        return left == {} and not (with_scheduled and ScheduledSet(config=self.config).size())

    def _open_limits(self) -> None:
        """Let jobs in that wait for a limit, as if their time had come. A concurrent one lets them in by itself."""
        if not features.of_code():
            return
        for limiter in LimiterSet(config=self.config):
            if limiter.read.waiting and limiter.read.paused_until:
                limiter.resume()
            if limiter.read.waiting and limiter.kind != "concurrent":
                limiter.reset()

    def _queues(self) -> list[str]:
        """Return the queues for the default capsule: every one that no other capsule has."""
        own = self.config.queue_order.weights
        of_jobs = (definition.options.fields.get("queue", "default") for definition in registered())
        elsewhere = _served(self.config) - own.keys()
        names = dict.fromkeys([*own, *of_jobs, *self._driver.run(queues.names())])
        return [name for name in names if name not in elsewhere]

    def _note(self, error: BaseException, _context: Any) -> None:
        self.errors.append(error)


class _Unwatched:
    """No lifeline: no other worker is on this Redis that could take this one for dead, and a process costs time."""

    def start(self, identity_: str) -> None: ...

    def beat(self) -> None: ...

    def stop(self) -> None: ...

    def disown(self) -> None: ...


def _served(config: Config) -> set[str]:
    return {queue for capsule in config.all_capsules.values() for queue in capsule.order.weights}
