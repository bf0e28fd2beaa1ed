"""What this process holds in flight, as far as it knows, and what follows when Redis says otherwise.

1. `own` and `disown` mirror the in-flight lists.
2. `compare` sets the mirror right after an answer was lost, and tells jobs that are ours unknowingly from those
   that are not ours any more.
3. It counts the outcomes that came too late.

Redis knows a job by its queue and its exact bytes; equal ones are counted. Not thread-safe by itself: the fetcher's
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
        # By identity: whole batches come and go in one step of C, which no-op jobs feel.
        self._owned: set[UnitOfWork] = set()
        # Settled jobs that were told to Redis without an answer: where they are gone, it was carried out.
        self._in_doubt: set[UnitOfWork] = set()
        self._gone: set[UnitOfWork] = set()
        # Jobs found in flight while a blocked move was under way: its answer may be what brings them.
        self._adopted: Counter[Key] = Counter()
        self.late = 0

    def own(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs that were reserved."""
        self._owned.update(jobs)

    def disown(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs that are in flight no more."""
        self._owned.difference_update(jobs)

    def clear(self) -> None:
        """Note that nothing is in flight."""
        self._owned.clear()

    def doubt(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs whose settlement was sent and not answered."""
        self._in_doubt.update(jobs)

    def compare(self, held: dict[str, list[bytes]]) -> list[UnitOfWork]:
        """Take what really lies in flight, by queue, and return those not known of; `is_gone` then tells the rest."""
        there = Counter((queue, raw) for queue, raws in held.items() for raw in raws)
        # Of equal jobs, one whose settlement is in doubt is the first to be gone.
        surest_first = sorted(self._owned, key=self._in_doubt.__contains__)
        self._gone = {job for job in surest_first if not strike(there, (job.queue, job.raw))}
        unknown = [UnitOfWork(queue, raw) for queue, raw in there.elements()]
        self._owned.update(unknown)
        return unknown

    def is_gone(self, job: UnitOfWork) -> bool:
        """Tell of a job held here whether the last comparison found it gone; it is let go of then."""
        if job not in self._gone:
            return False
        self._owned.discard(job)
        return True

    def is_gone_settled(self, job: UnitOfWork) -> bool:
        """The same of a settled job, and say so where it was not told to Redis: then others have it."""
        if not self.is_gone(job):
            return False
        if job not in self._in_doubt:
            self.note_late(job.raw)
        return True

    def note_late(self, raw: bytes) -> None:
        """Note, and say, that a job was finished here which others were given."""
        self.late += 1
        logger.warning(
            "a job was finished here after it had been given to others; this changes nothing",
            extra=named(Stored(raw).item),
        )

    def compared(self) -> None:
        """End a comparison. What is still gone runs right now: its outcome will come late."""
        self._in_doubt.clear()
        self._gone.clear()

    def adopt(self, jobs: Iterable[UnitOfWork]) -> None:
        """Note jobs that a comparison found while a blocked move was under way."""
        self._adopted.update((job.queue, job.raw) for job in jobs)

    def was_adopted(self, queue: str, raw: bytes) -> bool:
        """Tell of a job that a blocked move brought whether a comparison found it before."""
        return bool(self._adopted) and strike(self._adopted, (queue, raw))

    def forget_adopted(self) -> None:
        """Note that no blocked move is under way."""
        self._adopted.clear()


def strike(counts: Counter[Key], key: Key) -> bool:
    """Take one off a count; True where there was one."""
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True
