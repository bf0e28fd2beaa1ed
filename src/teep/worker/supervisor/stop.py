"""The stop of a supervisor's children: they are asked, hurried by another Ctrl-C, and killed if their time is up."""

import signal

from teep.clock import monotonic
from teep.telling import Logger
from teep.worker.signals import Presses
from teep.worker.supervisor.slots import Children

logger = Logger("teep")

# Seconds beyond the timeout in which a worker returns its jobs to the queues, in an outage too, before it is killed.
_MARGIN = 10.0


class Stop:
    """The stop of all children. It has begun once `begin` was called.

    Args:
        children: the children.
        timeout: seconds that their jobs have.
    """

    def __init__(self, children: Children, timeout: float) -> None:
        self._children = children
        self._timeout = timeout
        self._presses = Presses()
        self._kill_at = float("inf")
        self.has_begun = False
        self.has_killed = False
        """Whether a child had to be killed."""

    def begin(self) -> None:
        """Ask all children to stop."""
        self.has_begun = True
        self._kill_at = monotonic() + self._timeout + _MARGIN
        for child in self._children:
            child.send_signal(signal.SIGTERM)

    def press(self) -> None:
        """Note a Ctrl-C. Another one while the children stop hurries them, and the third kills them."""
        self._presses.note()
        if not self.has_begun:
            return
        if self._presses.too_often:
            self._kill_at = monotonic()
        elif self._presses.in_a_hurry:
            self.hurry()

    def hurry(self) -> None:
        """Let running jobs have no more time."""
        self._kill_at = min(self._kill_at, monotonic() + _MARGIN)
        for child in self._children:
            if child.is_open:
                child.ask_to_hurry()

    def kill_late(self) -> None:
        """Kill those that are left, once their time is up."""
        if monotonic() < self._kill_at:
            return
        self.has_killed, self._kill_at = True, float("inf")
        for child in self._children:
            logger.error("%s did not stop in time and is killed; its jobs go back", child)
            child.send_signal(signal.SIGKILL)
