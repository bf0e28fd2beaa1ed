"""Waits for other processes."""

from collections.abc import Callable

from teep import testing
from teep.errors import TeepError

_PATIENCE = 60.0


class DemoFailed(TeepError):
    """The demo cannot go on; the message says why."""


def wait_until(condition: Callable[[], object], patience: float = _PATIENCE) -> None:
    """Return when the condition holds.

    Raises:
        DemoFailed: it did not within `patience` seconds.
    """
    try:
        testing.wait_until(condition, patience)
    except TimeoutError:
        raise DemoFailed(f"the demo waited for {patience:.0f} s in vain; is this machine very busy?") from None
