"""What each job class did in this process, minute by minute, until it is written.

1. For a quick run that succeeded its job is appended to `quick`, all that it pays; `fold` adds these to the minute.
   Who leads at the queues does that, after each batch, so the minute is that in which they ended.
2. `add` counts any other run that succeeded, `failed` one that raised.
3. `take` gives a minute away to be written. What nobody takes for long is bounded.
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

# Seconds below which a run takes no time, in Sidekiq's whole milliseconds.
QUICK = 0.001
# Tallies (a class and minute each) that are kept while Redis takes none: a day's of 40 classes, about 20 MB. There
# are that many only where jobs go on without metrics, as in a Redis that is full; in an outage only what was running
# already ends.
_MOST = 60_000


class Tallies:
    """The runs of all capsules; every method may be called from any thread. `clock` tells epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.quick: list[Definition | None] = []
        self._clock = clock
        self._lock = threading.Lock()  # guards what follows
        self._minutes: dict[int, dict[str, Tally]] = {}
        self._tallies = 0

    def add(self, job: UnitOfWork, seconds: float) -> None:
        """Count a job that has just succeeded after so long."""
        if job.item is not None:
            with self._lock:
                self._tally(executed_class(job.item)).add(seconds)

    def failed(self, job: UnitOfWork) -> None:
        """Count a job that has just raised. Code that is not known here has not run, and counts nowhere."""
        if job.item is not None and job.definition is not None:
            with self._lock:
                self._tally(executed_class(job.item)).failed += 1

    def fold(self) -> None:
        """Add the quick runs to the minute."""
        with self._lock:
            # Threads append meanwhile; each of these two steps is one to them.
            quick = self.quick[:]
            del self.quick[: len(quick)]
            for definition, runs in Counter(quick).items():
                if definition is not None:
                    self._tally(definition.name).add(0.0, runs)

    def minutes(self) -> list[int]:
        """Return the minutes that there is something of, oldest first, as numbers since the epoch."""
        with self._lock:
            return sorted(self._minutes)

    def take(self, minute: int) -> tuple[datetime, dict[str, Tally]]:
        """Return what each class did in a minute, for the caller to keep; what ends in it later comes anew."""
        with self._lock:
            tallies = self._minutes.pop(minute, {})
            self._tallies -= len(tallies)
        return datetime.fromtimestamp(minute * metrics.MINUTE, UTC), tallies

    def _tally(self, name: str) -> Tally:
        """Return what a class has done in this minute, to add to."""
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
