"""The signals that a worker takes from its process, and gives back to a fork."""

import signal
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from teep.clock import monotonic
from teep.telling import Logger

logger = Logger("teep")

# Seconds within which several INT are one press of Ctrl-C: a terminal sends it to the whole group of processes, and
# many a program that started the worker passes on what it gets.
_ONE_PRESS = 0.1
KILLED_BY_INT = 130
"""What a shell reports of a program that INT ended."""


class Presses:
    """How often Ctrl-C was pressed. The second time a worker ends at once, the third time it is killed."""

    def __init__(self) -> None:
        self.in_a_hurry = False
        """Whether the worker must end at once."""
        self.too_often = False
        """Whether it must not even do that."""
        self._count = 0
        self._last = float("-inf")

    def note(self) -> None:
        """Count an INT. A signal's handler may call it: it takes no lock and does not log."""
        now = monotonic()
        if now - self._last < _ONE_PRESS:
            return
        self._last = now
        self._count += 1
        self.in_a_hurry = self.in_a_hurry or self._count > 1
        self.too_often = self._count > 2


class SignalHandlers:
    """Has `receive` called with the name of each signal that comes, such as TERM.

    It runs in the main thread, between any two bytecodes of it.
    """

    def __init__(self, names: Iterable[str], receive: Callable[[str], None]) -> None:
        # Windows, where a worker of the test kit runs, has few of them.
        self._numbers = [getattr(signal, f"SIG{name}") for name in names if hasattr(signal, f"SIG{name}")]
        self._receive = receive
        self._handler = self._on_signal  # one object, to be recognised
        self._before: dict[int, Any] = {}

    def take(self) -> None:
        """Take the signals; once more where code that was imported since may have taken them away."""
        for number in self._numbers:
            before = signal.signal(number, self._handler)
            if before is self._handler:
                continue
            if number in self._before:
                logger.warning(
                    "code has set a handler for %s; a worker needs its own, which replaces it", number.name
                )
            self._before[number] = before
        # Whoever started this process may have held them back, and so may the code.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)

    def restore(self) -> None:
        """Let each signal do again what it did, in a fork; what other code has set since stays."""
        for number, before in self._before.items():
            if signal.getsignal(number) is self._handler:
                signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._receive(signal.Signals(number).name.removeprefix("SIG"))
