"""The signal handlers of a worker's process, and their removal in a fork."""

import signal
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from teep.clock import monotonic
from teep.telling import Logger

logger = Logger("teep")

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
