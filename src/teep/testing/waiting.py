"""Waits for other processes and threads, which give no signal to wait on, only state to look at."""

import time
from collections.abc import Callable
from typing import TypeVar

from teep.clock import monotonic

T = TypeVar("T")

# Short enough that a test does not notice it, long enough to leave the core to the thing waited for: the longer the
# wait has taken, the rarer the looks.
_FIRST_LOOK, _LAST_LOOK, _SHARE = 0.004, 0.025, 0.15


def wait_until(
    condition: Callable[[], T], timeout: float = 30.0, what: str | Callable[[], str] = "the condition"
) -> T:
    """Call `condition` until its result is true, and return that. Frozen and travelled clocks do not matter.

    Args:
        condition: called every few milliseconds; an error in it ends the wait.
        timeout: seconds.
        what: names the condition in the error; a callable is called when the wait has failed, and can show the state
            at that time.

    Raises:
        TimeoutError: it was not within `timeout` seconds.
    """
    started = monotonic()
    while not (outcome := condition()):
        waited = monotonic() - started
        if waited >= timeout:
            awaited = what if isinstance(what, str) else what()
            raise TimeoutError(f"not within {timeout:g} s: {awaited} (last seen: {outcome!r})")
        time.sleep(min(_LAST_LOOK, max(_FIRST_LOOK, _SHARE * waited)))
    return outcome
