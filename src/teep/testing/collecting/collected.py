"""The jobs that `fake()` collects, and running them."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Literal, overload

from teep.client.delivery.test_mode import Redirected
from teep.config import Config
from teep.errors import EmptyQueue, OverLimit, Snooze
from teep.store.jobs.pushes import Push
from teep.store.running.outcome import End
from teep.testing.collecting.batches import Batches
from teep.testing.collecting.enqueued import EnqueuedJob, enqueued_of
from teep.testing.collecting.matching import SomeJob, name_of


class Jobs(Sequence[EnqueuedJob]):
    """Collected jobs, in the order in which they were pushed. Safe to fill from many threads."""

    runs_at_once = False

    def __init__(self) -> None:
        self.results: dict[str, bytes] = {}
        self._jobs: list[EnqueuedJob] = []
        self._batches = Batches()
        self._lock = threading.Lock()
        self._rounds = 0  # how often jobs were taken out to run

    async def take(self, config: Config, push: Push) -> None:
        """Collect the jobs of a push, and those that follow from the batches that it opens; a plan."""
        with self._lock:
            self._batches.open(push)
            self._jobs.extend(enqueued_of(config, push))
            self._jobs.extend(EnqueuedJob(raw, at, config=config) for _, raw, at in self._batches.close(push))

    def waiting(self, jid: str) -> Literal["queued", "scheduled"] | None:
        """Return where a job is that has not run."""
        with self._lock:
            for one in self._jobs:
                if one.jid == jid:
                    return "queued" if one.score is None else "scheduled"
        return None

    def clear(self, job: SomeJob | None = None, /) -> None:
        """Forget them all, or those of one job. Sidekiq's clear_all, and a class's clear."""
        with self._lock:
            self._jobs[:] = [] if job is None else [one for one in self._jobs if one.klass != name_of(job)]

    def perform_one(self, job: SomeJob | None = None, /, *, with_scheduled: bool = False) -> EnqueuedJob:
        """Run the next job, or the next one of `job`, and return it. Jobs that it pushes are collected here.

        Args:
            job: a job in either form, or its name; None: any.
            with_scheduled: as for `drain`.

        Raises:
            EmptyQueue: none is left. Sidekiq's EmptyQueueError.
            Any error of the job itself, which is gone then.
        """
        with Redirected(self, None, everywhere=False):
            one = self._take_one(job, with_scheduled=with_scheduled)
            with self._ended(one) as ended:
                one.run()
        return self._of_one(job, ended)

    async def async_perform_one(self, job: SomeJob | None = None, /, *, with_scheduled: bool = False) -> EnqueuedJob:
        """As `perform_one`, on the running loop."""
        with Redirected(self, None, everywhere=False):
            one = self._take_one(job, with_scheduled=with_scheduled)
            with self._ended(one) as ended:
                await one.run_async()
        return self._of_one(job, ended)

    def drain(self, job: SomeJob | None = None, /, *, with_scheduled: bool = False, recursive: bool = True) -> int:
        """Run the jobs, those that wait first, and return how many ran. Jobs that they push are collected here.

        Args:
            job: run those of this job only (a job in either form, or its name); the others stay. A class's drain in
                Sidekiq.
            with_scheduled: run scheduled jobs too, in order of time, and those that wait for a limit of their own, as
                if their time had come; otherwise those that are due by now. A job that snoozes is collected again,
                and stays for the next drain.
            recursive: run the jobs that they push as well, until none is left; otherwise only the jobs there are now.

        Raises:
            Any error of a job, which is gone then and not retried; the jobs after it stay.
            UnknownJob: no imported module defines a job.
            NotHere: a job is async and a loop runs in this thread; use `async_drain`.
        """
        ran = 0
        with Redirected(self, None, everywhere=False):
            for one in self._taking(job, with_scheduled=with_scheduled, recursive=recursive):
                with self._ended(one) as ended:
                    one.run()
                ran += len(ended)
        return ran

    async def async_drain(
        self, job: SomeJob | None = None, /, *, with_scheduled: bool = False, recursive: bool = True
    ) -> int:
        """As `drain`, on the running loop."""
        ran = 0
        with Redirected(self, None, everywhere=False):
            for one in self._taking(job, with_scheduled=with_scheduled, recursive=recursive):
                with self._ended(one) as ended:
                    await one.run_async()
                ran += len(ended)
        return ran

    @contextmanager
    def _ended(self, one: EnqueuedJob) -> Iterator[list[EnqueuedJob]]:
        """Put a job back that a limit of its own keeps from running, or that snoozes; the list has it if it ran."""
        ended: list[EnqueuedJob] = []
        how: End | None = "dead"
        try:
            yield ended
            how = "done"
        except OverLimit as error:
            if (until := getattr(error, "until", None)) is None:
                raise
            how = None
            self._put_back(one, until, waits_for_limit=True)
        except Snooze as error:
            how = None
            self._put_back(one, time.time() + error.seconds, snoozed_in=self._rounds)
            ended.append(one)
        finally:
            if how is not None:
                self._tell(one, how)
        if how is not None:
            ended.append(one)

    def _put_back(self, one: EnqueuedJob, at: float, *, waits_for_limit: bool = False, snoozed_in: int = 0) -> None:
        """Collect a job again, for later."""
        later = EnqueuedJob(one.raw, at, config=one.config)
        later.waits_for_limit, later.snoozed_in = waits_for_limit, snoozed_in
        with self._lock:
            self._jobs.append(later)

    def _tell(self, one: EnqueuedJob, how: End) -> None:
        """Tell the batch of a job how that has ended, and collect the jobs that follow."""
        with self._lock:
            following = self._batches.ended(one.raw, how)
            self._jobs.extend(EnqueuedJob(raw, at, config=one.config) for _, raw, at in following)

    def _take_one(self, job: SomeJob | None, *, with_scheduled: bool) -> EnqueuedJob:
        return self._of_one(job, self._taking(job, with_scheduled=with_scheduled, recursive=False))

    @staticmethod
    def _of_one(job: SomeJob | None, found: Iterable[EnqueuedJob]) -> EnqueuedJob:
        for one in found:
            return one
        raise EmptyQueue(f"no job {'' if job is None else name_of(job) + ' '}is collected that could run now")

    def _taking(self, job: SomeJob | None, *, with_scheduled: bool, recursive: bool) -> Iterator[EnqueuedJob]:
        """Take jobs out one after the other, as they would run: waiting ones first, then scheduled ones by time."""
        name = None if job is None else name_of(job)
        self._rounds += 1
        while batch := self._runnable(name, with_scheduled=with_scheduled):
            yield from filter(self._remove, batch)
            if not recursive:
                return

    def _runnable(self, name: str | None, *, with_scheduled: bool) -> list[EnqueuedJob]:
        until = float("inf") if with_scheduled else time.time()
        with self._lock:
            # One that snoozes stays for another time, or a job that waits for something would run for ever.
            jobs = [job for job in self._jobs if name in (None, job.klass) and job.snoozed_in != self._rounds]
        queued = [job for job in jobs if job.score is None]
        due = [job for job in jobs if job.score is not None and job.score <= until]
        return queued + sorted(due, key=attrgetter("score"))

    def _remove(self, job: EnqueuedJob) -> bool:
        """Take one out; False if it has gone meanwhile."""
        with self._lock:
            if job not in self._jobs:
                return False
            self._jobs.remove(job)
            return True

    @overload
    def __getitem__(self, index: int) -> EnqueuedJob: ...
    @overload
    def __getitem__(self, index: slice) -> list[EnqueuedJob]: ...
    def __getitem__(self, index: int | slice) -> EnqueuedJob | list[EnqueuedJob]:
        return self._jobs[index]

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        return f"<Jobs {[str(job) for job in self]}>"
