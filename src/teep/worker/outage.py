"""Redis being away: said once, waited out, and said once when it is over."""

import logging
import threading
import time

logger = logging.getLogger("teep")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0


class Outage:
    """What a process knows of Redis being away; shared by all of its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    @property
    def goes_on(self) -> bool:
        return self._since is not None

    def began(self, error: BaseException) -> None:
        """Note a failure; the first one is logged."""
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()
                logger.error("%s; running jobs go on, and nothing is fetched until it is back", error)

    def over(self) -> None:
        """Note a success."""
        if self._since is None:
            return
        with self._lock:
            if self._since is not None:
                logger.info("Redis is online again after %.1f s", time.monotonic() - self._since)
            self._since, self._pause = None, _FIRST_PAUSE

    def wait(self, until: threading.Event) -> None:
        """Wait a little before the next try, longer each time up to a second, or until the event is set."""
        with self._lock:
            pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        until.wait(pause)
