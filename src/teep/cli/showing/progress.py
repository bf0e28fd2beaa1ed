"""Long work: a bar on a terminal while it goes on, and an end between two of its steps at Ctrl-C."""

import signal
from time import monotonic
from types import FrameType
from typing import Self

_LONG = 0.3
"""Seconds after which the bar comes: what is over before shows none."""


class Stoppable:
    """Work that tells how far it is, from when this is made on.

    The first Ctrl-C has `told` return False, which ends a verb of the data API after its step: it is known what
    was done. A second one ends the command.
    """

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal
        )
        self._task = self._bar.add_task(title, total=None)
        self.looked_at = self.out_of = 0
        self._is_stopped = False
        self._since = monotonic()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._before)

    @property
    def is_cut_short(self) -> bool:
        """Whether it was stopped before its end."""
        return self._is_stopped and self.looked_at < self.out_of

    @property
    def place(self) -> str:
        """How far it has come, in words."""
        return f"after {self.looked_at:,} of {self.out_of:,} jobs"

    def told(self, looked_at: int, out_of: int) -> bool:
        """Hear how far it is; returns False if it is to end there."""
        self.looked_at, self.out_of = looked_at, out_of
        if not self._bar.live.is_started and monotonic() - self._since > _LONG:
            self._bar.start()
        self._bar.update(self._task, completed=looked_at, total=out_of)
        return not self._is_stopped

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
