"""The runs of each job class in this process, minute by minute, until they are written.

1. A quick run that succeeded only appends its job to `quick`; `fold` adds these to the minute. The thread that leads
   the exchange folds after each batch, so that the runs count in the minute in which they ended.
2. `add` counts any other run that succeeded, `failed` one that raised.
3. `take` gives a minute away to be written. The number of minutes that are not taken is bounded.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from teep.job.definition import Definition
from teep.telling import Logger
from teep.wire import metrics
from teep.wire.metrics import Tally
from teep.wire.payload import executed_class
from teep.worker.fetch.unit import UnitOfWork

logger = Logger("teep")

# A run of fewer seconds counts as 0 in Sidekiq's whole milliseconds.
QUICK = 0.001
# Tallies (a class and minute each) that are kept while Redis takes none: a day's of 40 classes, about 20 MB. So many
# exist only if jobs go on while metrics are refused, as in a full Redis. In an outage only running jobs end.
_MOST = 60_000


class Tallies:
    """The runs of all capsules; every method may be called from any thread. `clock` returns epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.quick: list[Definition | None] = []
        self._clock = clock
        self._lock = threading.Lock()  # guards the fields below
        self._minutes: dict[int, dict[str, Tally]] = {}
        self._tallies = 0

    def add(self, job: UnitOfWork, seconds: float) -> None:
        """Count a job that has just succeeded after so long."""
        if job.item is not None:
            with self._lock:
                self._tally(executed_class(job.item)).add(seconds)

    def failed(self, job: UnitOfWork) -> None:
        """Count a job that has just raised. A job whose code is not known here has not run, and does not count."""
        if job.item is not None and job.definition is not None:
            with self._lock:
                self._tally(executed_class(job.item)).failed += 1

    def fold(self) -> None:
        """Add the quick runs to the minute."""
        with self._lock:
            # Threads append meanwhile; each of these two steps is atomic for them.
            quick = self.quick[:]
            del self.quick[: len(quick)]
            for definition, runs in Counter(quick).items():
                if definition is not None:
                    self._tally(definition.name).add(0.0, runs)

    def minutes(self) -> list[int]:
        """Return the minutes with runs, oldest first, as numbers since the epoch."""
        with self._lock:
            return sorted(self._minutes)

    def take(self, minute: int) -> tuple[datetime, dict[str, Tally]]:
        """Remove and return the tallies of a minute by class. Runs that are added to it later come in a new tally."""
        with self._lock:
            tallies = self._minutes.pop(minute, {})
            self._tallies -= len(tallies)
        return datetime.fromtimestamp(minute * metrics.MINUTE, UTC), tallies

    def _tally(self, name: str) -> Tally:
        """Return the tally of a class in this minute, to add to."""
        minute = int(self._clock() // metrics.MINUTE)
        tallies = self._minutes.setdefault(minute, {})
        if name not in tallies:
            tallies[name] = Tally()
            self._tallies += 1
            if self._tallies > _MOST:
                self._drop_oldest()
        return tallies[name]

    def _drop_oldest(self) -> None:
        minute = min(self._minutes)
        self._tallies -= len(self._minutes.pop(minute))
        logger.warning(
            "the metrics of the minute %s are given up: Redis has taken none for too long",
            metrics.stamp(datetime.fromtimestamp(minute * metrics.MINUTE, UTC)),
        )
