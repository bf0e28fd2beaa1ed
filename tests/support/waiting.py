"""Waiting for what another process or thread does, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Short enough that a test does not notice it, long enough to leave the core to the thing waited for: what has taken
# long already is looked at less often.
_FIRST_POLL, _LAST_POLL, _SHARE = 0.002, 0.02, 0.05


def wait_until(predicate: Callable[[], T], timeout: float, what: str | Callable[[], str]) -> T:
    """Call `predicate` until its result is truthy, and return that result.

    `timeout` is in seconds. `what` completes the sentence "waiting for …"; a callable is asked only when
    the wait has failed, so that it can show the state then. Raises TimeoutError. What the predicate raises
    ends the wait.
    """
    started = time.monotonic()
    while not (result := predicate()):
        waited = time.monotonic() - started
        if waited >= timeout:
            description = what if isinstance(what, str) else what()
            message = f"timed out after {timeout:g} s waiting for {description} (last seen: {result!r})"
            raise TimeoutError(message)
        # The only sleep in the tests: other processes give no signal to wait on, only state to look at.
        time.sleep(min(_LAST_POLL, max(_FIRST_POLL, _SHARE * waited)))
    return result
