"""The number of jobs to reserve at a time."""

# Jobs that are reserved beyond the free slots should start within this many seconds.
HORIZON = 0.005
# The most jobs of a reservation: bounds one script call in Redis to about a millisecond.
MOST = 1_000
# A measurement over less than this (seconds) is too short to use; it is added to the next one.
_SHORTEST = 0.000_5
# Fewer jobs within the horizon than this are not worth an exchange of their own while they run.
_WORTH_SENDING = 20


class Prefetch:
    """Measures the rate at which jobs run, so that no-op jobs come by the hundred and long jobs one by one."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._since: float | None = None
        self._done = 0

    def learn(self, done: int, now: float) -> None:
        """Note jobs done since the last call; `now` is in monotonic seconds."""
        if self._since is None:
            self._since = now
            return
        self._done += done
        elapsed = now - self._since
        if elapsed >= _SHORTEST:
            # Half the old and half the new, so that one slow batch at once halves the number reserved ahead.
            self._rate = (self._rate + self._done / elapsed) / 2
            self._since, self._done = now, 0

    def waited(self, seconds: float) -> None:
        """Leave out time spent waiting for Redis: only the speed of jobs counts once they are here.

        Otherwise a round trip longer than the horizon would look like slow jobs, and few would be reserved.
        """
        if self._since is not None:
            self._since += seconds

    def forget(self) -> None:
        """Start anew, since jobs did not start as expected or there were none to measure."""
        self._rate, self._since, self._done = 0.0, None, 0

    def want(self, free: int) -> int:
        """Return how many jobs to reserve for `free` slots."""
        return min(MOST, free + int(self._rate * HORIZON))

    def ahead(self) -> int:
        """Return how many jobs to ask for while the reserved ones run; 0 if it is not worth it."""
        jobs = min(MOST, int(self._rate * HORIZON))
        return jobs if jobs >= _WORTH_SENDING else 0
