"""The bar that shows how far a run is."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """Visits made, and the current one.

    Drawn only twice a second, to leave the CPU to the measured programs.
    """

    def __init__(self, console: Console, visits: int) -> None:
        columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, refresh_per_second=2)
        self._task = self._bar.add_task("", total=visits)
        self._finished = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def show(self, name: str, part: float = 0.0) -> None:
        """Show the current visit, and which part of it is over, from 0 to 1."""
        self._bar.update(self._task, description=f"{name} {part:.0%}" if part else name, completed=self._finished)

    def finish_visit(self) -> None:
        self._finished += 1
        self._bar.update(self._task, completed=self._finished)
