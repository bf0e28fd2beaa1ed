"""The bar that shows how far a run is."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """Steps of a run done, and what is measured at the moment. Each visit takes `steps` of them.

    Drawn only twice a second, to leave the CPU to what is measured.
    """

    def __init__(self, console: Console, visits: int, steps: int = 1) -> None:
        columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, refresh_per_second=2)
        self._task = self._bar.add_task("", total=visits * steps)
        self._steps = steps
        self._finished = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def show(self, name: str, done: int = 0) -> None:
        """Say which visit goes on, and how many of its steps are done."""
        self._bar.update(self._task, description=name, completed=self._finished * self._steps + done)

    def finish_visit(self) -> None:
        self._finished += 1
        self._bar.update(self._task, completed=self._finished * self._steps)
