"""Which jobs run in this process right now."""

import time

from teep.store import processes
from teep.worker.reserved import Reserved


class RunningJobs:
    """The running jobs by thread id. Each id is written by its own thread or task only, and read by the heartbeat."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[Reserved, float] | None] = {}

    def set(self, thread_id: str, job: Reserved) -> None:
        self._jobs[thread_id] = (job, time.time())

    def clear(self, thread_id: str) -> None:
        """Note that a thread is free. Its place is kept, which spares the dict from changing size at every job."""
        self._jobs[thread_id] = None

    def remove(self, thread_id: str) -> None:
        """Note that a task has ended, and its id with it."""
        self._jobs.pop(thread_id, None)

    def __len__(self) -> int:
        return sum(entry is not None for entry in self._jobs.copy().values())

    def snapshot(self) -> dict[str, bytes]:
        """Return the work hash: thread id to the entry that Redis gets."""
        return {
            thread_id: processes.work_entry(entry[0].queue, entry[0].raw, entry[1])
            for thread_id, entry in self._jobs.copy().items()
            if entry is not None
        }

    def job(self, thread_id: str) -> Reserved | None:
        """Return what runs under a thread id."""
        entry = self._jobs.get(thread_id)
        return None if entry is None else entry[0]

    def pairs(self) -> list[tuple[str, Reserved]]:
        """Return the running jobs, each with its thread id."""
        return [(thread_id, entry[0]) for thread_id, entry in self._jobs.copy().items() if entry is not None]
