"""The signals of a worker: the handlers of its process, and those that have come and wait to be obeyed."""

import os
import queue
import signal
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from teep.clock import monotonic
from teep.telling import Logger

logger = Logger("teep")

# What each signal asks a worker for.
STOP = ("TERM", "INT")
QUIET = ("TSTP",)
DUMP = ("TTIN",)
DRAIN = ("USR2",)

# How long (seconds) the main thread waits at a time. A signal does not cut the wait short if another thread takes it,
# or if it comes in the instant before the wait. Python would then call the handler only at the next signal.
_LOOK = 0.2
# Several INT within so many seconds are one press of Ctrl-C. A terminal sends INT to the whole group of processes,
# and a program that started the worker often passes its own INT on.
_ONE_PRESS = 0.1
KILLED_BY_INT = 130
"""The exit code that a shell reports for a program ended by INT."""


class Presses:
    """Counts presses of Ctrl-C. The second press ends a worker at once, the third kills it."""

    def __init__(self) -> None:
        self.in_a_hurry = False
        """Whether the worker must end at once."""
        self.too_often = False
        """Whether the worker must be killed instead of ending in order."""
        self._count = 0
        self._last = float("-inf")

    def note(self) -> None:
        """Count an INT. Safe in a signal handler: it takes no lock and does not log."""
        now = monotonic()
        if now - self._last < _ONE_PRESS:
            return
        self._last = now
        self._count += 1
        self.in_a_hurry = self.in_a_hurry or self._count > 1
        self.too_often = self._count > 2


class SignalHandlers:
    """Calls `receive` with the name of each signal that comes, such as TERM.

    The call runs in the main thread, between any two of its bytecodes.
    """

    def __init__(self, names: Iterable[str], receive: Callable[[str], None]) -> None:
        # Windows, where a worker of the test kit runs, has few of them.
        self._numbers = [getattr(signal, f"SIG{name}") for name in names if hasattr(signal, f"SIG{name}")]
        self._receive = receive
        self._handler = self._on_signal  # one object, so that `is` recognises it
        self._before: dict[int, Any] = {}

    def take(self) -> None:
        """Set the handlers. Called again after an import, which may have set others."""
        for number in self._numbers:
            before = signal.signal(number, self._handler)
            if before is self._handler:
                continue
            if number in self._before:
                logger.warning(
                    "code has set a handler for %s; a worker needs its own, which replaces it", number.name
                )
            self._before[number] = before
        # The program that started this process may have blocked them, and so may the imported code.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)

    def restore(self) -> None:
        """Set the former handlers again, in a fork. A handler that other code has set since stays."""
        for number, before in self._before.items():
            if signal.getsignal(number) is self._handler:
                signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._receive(signal.Signals(number).name.removeprefix("SIG"))


class Signals:
    """The signals that a worker is sent, by the system, through Redis or by its own code, in the order they came."""

    def __init__(self) -> None:
        self.presses = Presses()
        self._came: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._handlers = SignalHandlers((*STOP, *QUIET, *DUMP, *DRAIN), self._on_signal)

    def take(self) -> None:
        """Set the process's handlers. Called again after an import, which may have set others."""
        self._handlers.take()

    def put(self, name: str) -> None:
        """Add a signal as if it had come to the process. Callable from any thread."""
        self._came.put(name)

    def next(self, seconds: float = _LOOK) -> str | None:
        """Wait for a signal, not longer than 0.2 s; None if there is none."""
        try:
            return self._came.get(timeout=min(seconds, _LOOK))
        except queue.Empty:
            return None

    def wait(self, obey: Callable[[str], None], seconds: float) -> bool:
        """Wait for so many seconds, and have signals obeyed; False as soon as one says to stop, which stays."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            name = self.next(left)
            if name in STOP:
                self.put(name)
                return False
            if name is not None:
                obey(name)
        return True

    def disown(self) -> None:
        """Set the former handlers again, in a fork, and forget what came."""
        self._handlers.restore()
        self._came, self.presses = queue.SimpleQueue(), Presses()

    def _on_signal(self, name: str) -> None:
        if name == "INT":
            self.presses.note()
            if self.presses.too_often:
                os._exit(KILLED_BY_INT)
        self._came.put(name)
