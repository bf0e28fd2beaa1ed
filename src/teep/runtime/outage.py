"""An outage: Redis is away or refuses. It is logged once when it begins, waited out, and logged once when it ends."""

import threading

from teep.clock import monotonic
from teep.errors import RedisCommandError, RedisError, RedisOutOfMemory
from teep.telling import Logger

logger = Logger("teep")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
# Seconds without a failure after which an outage is over. A server may serve some commands and refuse others
# (READONLY, OOM, too many clients). Refused threads try again sooner than this, so the log does not flap.
_CALM = 3.0


class Outage:
    """The current outage of Redis, if any; shared by all threads of a process. Reading it takes no lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_failure = float("-inf")
        self._recovered: float | None = None
        self._pause = _FIRST_PAUSE
        self.since: float | None = None
        """When the outage began (monotonic seconds); None if there is none."""
        self.error = ""
        """The message of the error that began it."""

    @property
    def goes_on(self) -> bool:
        """Whether the last command to Redis failed."""
        return self.since is not None and self._recovered is None

    @property
    def in_touch(self) -> float:
        """The seconds since the last failure."""
        return monotonic() - self._last_failure

    def began(self, error: BaseException) -> None:
        """Note a failure; the first one is logged."""
        with self._lock:
            self._last_failure, self._recovered = monotonic(), None
            if self.since is None:
                self.since, self.error = self._last_failure, str(error)
                logger.error("%s; %s", error, _consequence(error))

    def took(self, error: BaseException) -> bool:
        """Note an error if it belongs to an outage; False if it is to be reported by itself.

        The error of a single command is reported, unless Redis is away: then it belongs to the outage.
        """
        belongs = isinstance(error, RedisError) and (self.goes_on or not isinstance(error, RedisCommandError))
        if belongs:
            self.began(error)
        return belongs

    def over(self) -> None:
        """Note a success: the outage is over when nothing has failed for some seconds."""
        if self.since is None:
            return
        with self._lock:
            now = monotonic()
            if self._recovered is None:
                self._recovered, self._pause = now, _FIRST_PAUSE
            if self.since is not None and now - self._last_failure >= _CALM:
                logger.info("Redis is online again after %.1f s", self._recovered - self.since)
                self.since = None

    def wait(self, until: threading.Event) -> None:
        """Wait a little before the next try, longer each time up to a second, or until the event is set."""
        with self._lock:
            pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        until.wait(pause)


def _consequence(error: BaseException) -> str:
    if isinstance(error, RedisOutOfMemory):
        return "jobs are still fetched, but nothing can be pushed until it has room"
    return "running jobs go on, and nothing is fetched until it is back"
