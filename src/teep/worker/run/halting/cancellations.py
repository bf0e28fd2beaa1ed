"""The jobs that were cancelled lately, wherever they are by now."""

import math

# Seconds that a cancellation is remembered: longer than a job can be on its way, even from a dead process.
_REMEMBERED = 600.0
# How many are remembered; beyond it the oldest are forgotten.
_MOST = 10_000


class Cancels:
    """The jids of cancelled jobs. One thread writes; the jobs' threads read `jids`, which is mostly empty.

    A cancelled job may be reserved ahead, on its way from a set to its queue, or in flight in a dead process. The
    worker that starts it later finds its jid here.
    """

    def __init__(self) -> None:
        self.jids: dict[str, float] = {}  # jid -> when it is forgotten (monotonic seconds), the oldest first

    def add(self, jid: str, now: float) -> None:
        """Remember a cancellation; one that is known already is remembered from now on."""
        self.jids.pop(jid, None)
        self.jids[jid] = now + _REMEMBERED
        if len(self.jids) > _MOST:
            del self.jids[next(iter(self.jids))]

    def forget(self, now: float) -> float:
        """Forget old cancellations, and return when the next one is old (infinity: never)."""
        while (oldest := next(iter(self.jids.items()), None)) is not None:
            jid, until = oldest
            if until > now:
                return until
            del self.jids[jid]
        return math.inf
