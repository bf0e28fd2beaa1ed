"""A worker that is killed with `kill -9`, and the jobs that it had in its hands, until they are back."""

import os
import signal
import time
from collections.abc import Collection

import teep
from teep.config import default_config, driver_for
from teep.store.running import inflight


class Crash:
    """Kills a worker when it is made, and then follows what happens."""

    def __init__(self, victim: teep.Process, everyone: Collection[int]) -> None:
        self.pid = victim.pid
        self.rescued_after: float | None = None
        """Seconds until the last of its jobs was back in a queue; None: not yet."""
        self.successor: int | None = None
        """The pid of the worker that took its place; None: not yet."""
        self._before = frozenset(everyone)
        self._victim = victim
        os.kill(self.pid, signal.SIGSTOP)  # first, so that what it has in its hands can be counted
        self.jobs = _held(victim)
        """How many jobs it had in its hands."""
        os.kill(self.pid, signal.SIGKILL)
        self._killed_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether all its jobs are back, and its place is filled."""
        return self.rescued_after is not None and self.successor is not None

    def look(self, everyone: Collection[int]) -> None:
        """Notice what has happened; `everyone` are the pids of the workers that there are."""
        if self.rescued_after is None and not _held(self._victim):
            self.rescued_after = time.monotonic() - self._killed_at
        if self.successor is None:
            self.successor = next((pid for pid in everyone if pid not in self._before), None)


def _held(victim: teep.Process) -> int:
    found = driver_for(default_config()).run(inflight.payloads(victim.identity, victim.queues))
    return sum(map(len, found.values()))
