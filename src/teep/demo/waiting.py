"""Waits for what a worker should do. If it does not, the error has the worker's own last lines, and no guess."""

from collections.abc import Callable

from teep import testing
from teep.errors import TeepError
from teep.testing.process import WorkerProcess

PATIENCE = 60.0
"""Seconds without what is waited for after which the demo gives up."""


class DemoFailed(TeepError):
    """The demo cannot go on; the message says what did not happen, and the worker's last lines."""


class Witness:
    """Waits beside a worker."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker

    def wait_until(self, condition: Callable[[], object], what: str = "it", patience: float = PATIENCE) -> None:
        """Return when the condition holds.

        Raises:
            WorkerEnded: the worker ended.
            DemoFailed: `what` did not happen within `patience` seconds.
        """

        def holds() -> object:
            self.worker.check()
            return condition()

        try:
            testing.wait_until(holds, patience)
        except TimeoutError:
            raise self.failed(f"the demo waited for {patience:.0f} s, and {what} did not happen") from None

    def failed(self, sentence: str) -> DemoFailed:
        """Return the error of a demo that cannot go on."""
        return DemoFailed(f"{sentence}; the worker's last lines:\n{self.worker.last_lines or '(none)'}")
