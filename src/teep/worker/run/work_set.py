"""The jobs that run in this process right now."""

from teep.store import processes
from teep.store.processes import Reported
from teep.worker.fetch.unit import UnitOfWork


class LocalWorkSet(dict[str, tuple[UnitOfWork, float] | None]):
    """The running jobs by thread id, each with its start in epoch seconds.

    Only its own thread or task writes an id; the heartbeat reads it. A free thread keeps its entry, so that the dict
    does not change its size at every job. A task's entry is removed with the task.
    """

    @property
    def busy(self) -> int:
        """How many jobs run."""
        return sum(entry is not None for entry in self.copy().values())

    def snapshot(self) -> dict[str, bytes]:
        """Return the work hash: thread id to the entry that Redis gets."""
        return {
            thread_id: processes.work_entry(entry[0].queue, entry[0].raw, entry[1], entry[0].progress)
            for thread_id, entry in self.copy().items()
            if entry is not None
        }

    def reported(self) -> dict[str, tuple[UnitOfWork, float, Reported]]:
        """Return the running jobs that told of their progress, by thread id, each with its start and that."""
        return {
            thread_id: (*entry, progress)
            for thread_id, entry in self.copy().items()
            if entry is not None and (progress := entry[0].progress) is not None
        }

    def job(self, thread_id: str) -> UnitOfWork | None:
        """Return the job that runs under a thread id."""
        entry = self.get(thread_id)
        return None if entry is None else entry[0]

    def pairs(self) -> list[tuple[str, UnitOfWork]]:
        """Return the running jobs, each with its thread id."""
        return [(thread_id, entry[0]) for thread_id, entry in self.copy().items() if entry is not None]
