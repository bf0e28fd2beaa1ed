"""Writes what running jobs tell of their progress, between the heartbeats, which write it too."""

from collections.abc import Sequence
from threading import Event

from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store import processes
from teep.store.processes import Reported
from teep.worker.run.capsule import Capsule

# Seconds between two writes.
_PACE = 1.0


class ProgressWriter(Service):
    """Asleep until a job tells of its progress; then it writes what changed, at most once a second.

    If Redis does not take it, the next heartbeat brings it along.
    """

    def __init__(self, component: Component, capsules: Sequence[Capsule], reports: Event) -> None:
        super().__init__("progress", component.on_error)
        self._driver = component.driver
        self._identity = component.identity
        self._capsules = capsules
        self._reports = reports
        self._written: dict[str, Reported] = {}

    def run_once(self) -> None:
        self._reports.wait()
        if self._stopping.is_set():
            return
        self._reports.clear()
        told = {
            thread_id: each for capsule in self._capsules for thread_id, each in capsule.running.reported().items()
        }
        before, self._written = self._written, {thread_id: each[-1] for thread_id, each in told.items()}
        changed = {
            thread_id: processes.work_entry(job.queue, job.raw, run_at, progress)
            for thread_id, (job, run_at, progress) in told.items()
            if before.get(thread_id) is not progress
        }
        if changed:
            self._driver.run(processes.report(self._identity, changed))

    def pause(self) -> float:
        return _PACE

    def interrupt(self) -> None:
        self._reports.set()
