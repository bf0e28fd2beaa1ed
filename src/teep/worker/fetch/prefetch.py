"""How many jobs to reserve at a time."""

# What is reserved beyond the free slots should start within this many seconds.
HORIZON = 0.005
# Jobs a reservation at most: bounds one script call in Redis to about a millisecond.
MOST = 1_000
# A measurement over less than this (seconds) says little; it is added to the next one.
_SHORTEST = 0.000_5
# Fewer jobs within the horizon than this are not worth an exchange of their own while they run.
_WORTH_SENDING = 20


class Prefetch:
    """Learns the rate at which jobs are done, so that no-op jobs come by the hundred and long jobs one by one."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._since: float | None = None
        self._done = 0

    def learn(self, done: int, now: float) -> None:
        """Take note of jobs done since the last call; `now` is in monotonic seconds."""
        if self._since is None:
            self._since = now
            return
        self._done += done
        elapsed = now - self._since
        if elapsed >= _SHORTEST:
            # Half the old and half the new: one slow batch halves what is reserved ahead at once.
            self._rate = (self._rate + self._done / elapsed) / 2
            self._since, self._done = now, 0

    def waited(self, seconds: float) -> None:
        """Leave out time in which Redis was waited for: what counts is how fast jobs run once they are here.

        Otherwise a round trip longer than the horizon would look like slow jobs, and they would come by the few.
        """
        if self._since is not None:
            self._since += seconds

    def forget(self) -> None:
        """Start anew: jobs did not start as expected, or there were none to measure by."""
        self._rate, self._since, self._done = 0.0, None, 0

    def want(self, free: int) -> int:
        """Return how many jobs to reserve for `free` slots."""
        return min(MOST, free + int(self._rate * HORIZON))

    def ahead(self) -> int:
        """Return how many jobs to ask for while those at hand are run; 0 where that is not worth it."""
        jobs = min(MOST, int(self._rate * HORIZON))
        return jobs if jobs >= _WORTH_SENDING else 0
