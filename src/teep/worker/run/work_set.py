"""Which jobs run in this process right now."""

from teep.store import processes
from teep.worker.fetch.unit import UnitOfWork


class LocalWorkSet(dict[str, tuple[UnitOfWork, float] | None]):
    """The running jobs by thread id, each with its start in epoch seconds.

    Each id is written by its own thread or task only, and read by the heartbeat. A thread that is free keeps its
    place, which spares the dict from changing size at every job; a task's id ends with it.
    """

    @property
    def busy(self) -> int:
        """How many jobs run."""
        return sum(entry is not None for entry in self.copy().values())

    def snapshot(self) -> dict[str, bytes]:
        """Return the work hash: thread id to the entry that Redis gets."""
        return {
            thread_id: processes.work_entry(entry[0].queue, entry[0].raw, entry[1])
            for thread_id, entry in self.copy().items()
            if entry is not None
        }

    def job(self, thread_id: str) -> UnitOfWork | None:
        """Return what runs under a thread id."""
        entry = self.get(thread_id)
        return None if entry is None else entry[0]

    def pairs(self) -> list[tuple[str, UnitOfWork]]:
        """Return the running jobs, each with its thread id."""
        return [(thread_id, entry[0]) for thread_id, entry in self.copy().items() if entry is not None]
