"""The jobs that this process believes it has in flight, and their comparison with Redis.

1. `own` and `disown` mirror the in-flight lists.
2. `compare` corrects the mirror after an answer was lost. It finds jobs that are ours without our knowledge, and jobs
   that are no longer ours.
3. It counts the outcomes that came too late.

Redis knows a job by its queue and its exact bytes; equal jobs are counted. Not thread-safe by itself: the fetcher's
lock guards it.
"""

from collections import Counter
from collections.abc import Iterable

from teep.telling import Logger
from teep.wire.stored import Stored
from teep.worker.fetch.unit import UnitOfWork, named

logger = Logger("teep.fetcher")

Key = tuple[str, bytes]


class InFlightMirror:
    """The mirror of this process's in-flight lists."""

    def __init__(self) -> None:
        # A set by identity: whole batches come and go in one step of C, which matters for no-op jobs.
        self._owned: set[UnitOfWork] = set()
        # Settled jobs that were reported to Redis without an answer: if they are gone, the command was carried out.
        self._in_doubt: set[UnitOfWork] = set()
        self._gone: set[UnitOfWork] = set()
        # Jobs found in flight while a blocking move was under way: its answer may bring the same jobs.
        self._adopted: Counter[Key] = Counter()
        self.late = 0

    def own(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note reserved jobs."""
        self._owned.update(jobs)

    def disown(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs that are no longer in flight."""
        self._owned.difference_update(jobs)

    def clear(self) -> None:
        """Note that nothing is in flight."""
        self._owned.clear()

    def doubt(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs whose end was sent and not answered."""
        self._in_doubt.update(jobs)

    def compare(self, held: dict[str, list[bytes]]) -> list[UnitOfWork]:
        """Compare with the jobs in flight in Redis, by queue, and return unknown ones; ask `is_gone` of the rest."""
        there = Counter((queue, raw) for queue, raws in held.items() for raw in raws)
        # Of equal jobs, one whose end is in doubt counts as gone first.
        surest_first = sorted(self._owned, key=self._in_doubt.__contains__)
        self._gone = {job for job in surest_first if not strike(there, (job.queue, job.raw))}
        unknown = [UnitOfWork(queue, raw) for queue, raw in there.elements()]
        self._owned.update(unknown)
        return unknown

    def is_gone(self, job: UnitOfWork) -> bool:
        """Tell whether the last comparison found a job gone that is held here; the mirror drops it then."""
        if job not in self._gone:
            return False
        self._owned.discard(job)
        return True

    def is_gone_settled(self, job: UnitOfWork) -> bool:
        """Do the same for a settled job. If its end was not sent to Redis, another worker has it: log that."""
        if not self.is_gone(job):
            return False
        if job not in self._in_doubt:
            self.note_late(job.raw)
        return True

    def note_late(self, raw: bytes) -> None:
        """Count and log a job that was finished here although another worker has it."""
        self.late += 1
        logger.warning(
            "a job was finished here after it had been given to others; this changes nothing",
            extra=named(Stored(raw).item),
        )

    def compared(self) -> None:
        """End a comparison. Jobs that are still gone run right now: their outcomes will come too late."""
        self._in_doubt.clear()
        self._gone.clear()

    def adopt(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs that a comparison found while a blocking move was under way."""
        self._adopted.update((job.queue, job.raw) for job in jobs)

    def was_adopted(self, queue: str, raw: bytes) -> bool:
        """Tell whether a comparison has already found a job that a blocking move brought."""
        return bool(self._adopted) and strike(self._adopted, (queue, raw))

    def forget_adopted(self) -> None:
        """Note that no blocking move is under way."""
        self._adopted.clear()


def strike(counts: Counter[Key], key: Key) -> bool:
    """Take one off a count; True if there was one."""
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True
