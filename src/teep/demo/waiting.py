"""Waiting for what other processes do."""

import time
from collections.abc import Callable

from teep.errors import TeepError

_PATIENCE = 60.0
_LOOK_EVERY = 0.05


class DemoFailed(TeepError):
    """The demo cannot go on; the message says why."""


def wait_until(condition: Callable[[], object], patience: float = _PATIENCE) -> None:
    """Return when the condition holds.

    Raises:
        DemoFailed: it did not within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise DemoFailed(f"the demo waited for {patience:.0f} s in vain; is this machine very busy?")
        time.sleep(_LOOK_EVERY)
