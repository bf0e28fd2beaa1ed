"""Waiting for what other processes and threads do: they give no signal to wait on, only state to look at."""

import time
from collections.abc import Callable
from typing import TypeVar

from teep.clock import monotonic

T = TypeVar("T")

# Short enough that a test does not notice it, long enough to leave the core to the thing waited for: what has taken
# long already is looked at less often.
_FIRST_LOOK, _LAST_LOOK, _SHARE = 0.002, 0.02, 0.05


def wait_until(
    condition: Callable[[], T], timeout: float = 30.0, what: str | Callable[[], str] = "the condition"
) -> T:
    """Call `condition` until what it returns is true, and return that. Frozen and travelled clocks do not matter.

    Args:
        condition: called every few milliseconds; what it raises ends the wait.
        timeout: seconds.
        what: what the error says that was waited for; a callable is asked when the wait has failed, and can show the
            state at that time.

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
