"""What this process holds in flight, as far as it knows, and what follows when Redis says otherwise.

1. `own` and `disown` mirror the in-flight lists.
2. `compare` sets the mirror right after an answer was lost, and tells jobs that are ours unknowingly from those
   that are not ours any more.

A job is known by its queue and its exact bytes; equal ones are counted. Not thread-safe by itself: the fetcher's lock
guards it.
"""

import logging
from collections import Counter
from collections.abc import Iterable

from teep.worker.reserved import Reserved

logger = logging.getLogger("teep.fetcher")

Key = tuple[str, bytes]


class Ledger:
    """The mirror of this process's in-flight lists."""

    def __init__(self) -> None:
        self._owned: Counter[Key] = Counter()
        # Settled jobs that were told to Redis without an answer: where they are gone, it was carried out.
        self._in_doubt: Counter[Key] = Counter()
        # Jobs found in flight while a blocked move was under way: its answer may be what brings them.
        self._adopted: Counter[Key] = Counter()
        self._gone: Counter[Key] = Counter()

    def own(self, jobs: Iterable[Reserved]) -> None:
        """Note jobs that were reserved."""
        for job in jobs:
            self._owned[job.queue, job.raw] += 1

    def disown(self, jobs: Iterable[Key]) -> None:
        """Note jobs that are in flight no more."""
        for key in jobs:
            if self._owned[key] > 1:
                self._owned[key] -= 1
            else:
                del self._owned[key]

    def clear(self) -> None:
        """Note that nothing is in flight."""
        self._owned.clear()

    def doubt(self, jobs: Iterable[Key]) -> None:
        """Note jobs whose settlement was sent and not answered."""
        self._in_doubt.update(jobs)

    def compare(self, held: dict[str, list[bytes]]) -> list[Key]:
        """Take what really lies in flight, by queue, and return those not known of; `is_gone` then tells the rest."""
        there = Counter((queue, raw) for queue, raws in held.items() for raw in raws)
        unknown = list((there - self._owned).elements())
        self._gone = self._owned - there
        self._owned = there + self._gone
        return unknown

    def is_gone(self, queue: str, raw: bytes) -> bool:
        """Tell of a job held here whether the last comparison found it gone; it is let go of then."""
        if not strike(self._gone, (queue, raw)):
            return False
        self.disown([(queue, raw)])
        return True

    def is_gone_settled(self, queue: str, raw: bytes) -> bool:
        """The same of a settled job, and say so where it was not told to Redis: then others have it."""
        if not self.is_gone(queue, raw):
            return False
        if not strike(self._in_doubt, (queue, raw)):
            log_late(raw)
        return True

    def compared(self) -> None:
        """End a comparison. What is still gone runs right now: its outcome will come late."""
        self._in_doubt.clear()
        self._gone.clear()

    def adopt(self, jobs: Iterable[Key]) -> None:
        """Note jobs that a comparison found while a blocked move was under way."""
        self._adopted.update(jobs)

    def was_adopted(self, queue: str, raw: bytes) -> bool:
        """Tell of a job that a blocked move brought whether a comparison found it before."""
        return strike(self._adopted, (queue, raw))

    def forget_adopted(self) -> None:
        """Note that no blocked move is under way."""
        self._adopted.clear()


def strike(counts: Counter[Key], key: Key) -> bool:
    """Take one off a count; True where there was one."""
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True


def log_late(raw: bytes) -> None:
    """Say that a job was finished here which others were given."""
    logger.warning(
        "a job was finished here after it had been given to others; this changes nothing",
        extra=Reserved("", raw).named(),
    )
