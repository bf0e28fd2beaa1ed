"""The base class of everything that runs in the background.

`start` and `stop` are idempotent. `run_once` is one turn of the loop, which a test can call by itself.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from teep.clock import monotonic
from teep.runtime import forks
from teep.telling import Logger, quietly

logger = Logger("teep")

OnError = Callable[[BaseException, str], None]

# Seconds between tries while Redis is away.
_OUTAGE_PAUSE = 1.0


class Service(ABC):
    """A thread that takes a turn, waits as long as `pause` says, and takes the next, until it is stopped."""

    patience: float | None = None
    """Seconds that a stop waits for the turn to end, if this calls code that may hang; None: as long as it takes."""

    def __init__(self, name: str, on_error: OnError) -> None:
        self.name = name
        self._on_error = on_error
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.turned_at = monotonic()
        """When it last took a turn without an error (monotonic seconds); at first, when it was created."""

    @abstractmethod
    def run_once(self) -> None:
        """Take one turn."""

    @abstractmethod
    def pause(self) -> float:
        """Return the seconds to wait before the next turn."""

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._loop, name=f"teep-{self.name}", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the loop after the current turn, and wait for that. If the turn itself calls it, it does not wait."""
        if self._thread is threading.current_thread():
            self._stopping.set()
            return
        # Inside the lock: a start between the request and the wait would undo the request.
        with self._lock:
            if self._thread is not None:
                self._stopping.set()
                self.interrupt()
                self._thread.join(self.patience)
                if self._thread.is_alive():
                    logger.warning("%s is left behind: its turn has not ended within %g s", self.name, self.patience)
                self._thread = None

    def quiet(self) -> None:  # noqa: B027 - few have to do with new jobs
        """Bring no new jobs any more, since the worker takes none."""

    def leave(self) -> None:  # noqa: B027 - few leave something in Redis
        """Remove the service's keys from Redis, after the last service has stopped."""

    def interrupt(self) -> None:  # noqa: B027 - most turns are short: only one that waits has something to do
        """Cut short a turn that waits for something."""

    def disown(self) -> None:
        """Take no more turns, in a fork. If the fork came in a turn, the end of that turn ends the process."""
        self._stopping, self._lock, self._thread = threading.Event(), threading.Lock(), None
        self._stopping.set()

    @forks.ends_in_fork
    def _loop(self) -> None:
        while not self._stopping.is_set():
            pause = self.turn()
            self._stopping.wait(pause)  # a new event after a fork

    def turn(self) -> float:
        """Take a turn, and return the seconds until the next. An error is reported, and ends only this turn."""
        try:
            self.run_once()
            self.turned_at = monotonic()
            return self.pause()
        except BaseException as error:  # noqa: BLE001 - a service lives as long as its process; all is reported
            quietly(self._on_error, error, self.name)
            return _OUTAGE_PAUSE
