"""What a job raises to come again later, with no attempt used: `OverLimit` and `Snooze`."""

import random
from collections.abc import Callable, Mapping
from typing import Any, cast

from teep.errors import OverLimit, Snooze
from teep.wire.payload import Item

# The payload's field that counts how often it ran into a limit, as Sidekiq Enterprise's is called.
FIELD = "overrated"


def comes_again(stored: Callable[[], Mapping[str, Any]], error: BaseException) -> bool:
    """Tell whether a job that raised comes again with no attempt used; else that is an ordinary failure.

    `stored` returns its payload, and is called only if that counts.
    """
    # Not `isinstance`, which would ask an error that may lie, or raise.
    if issubclass(type(error), OverLimit):
        return _count(stored()) < cast("OverLimit", error).reschedule
    return is_snooze(error)


def is_snooze(error: BaseException) -> bool:
    """Tell whether a job asked for it."""
    return issubclass(type(error), Snooze)


def later(item: Item, error: BaseException) -> tuple[Item, float]:
    """Return the payload with which a job comes again, and after how many seconds.

    Raises:
        TypeError: the error is none of these.
    """
    if isinstance(error, Snooze):
        return item, error.seconds
    if not isinstance(error, OverLimit):
        raise TypeError(f"a job that raised {type(error).__qualname__} does not come again like this")
    count = _count(item) + 1
    return {**item, FIELD: count}, _backoff(count) if error.retry_after is None else error.retry_after


def _count(item: Mapping[str, Any]) -> int:
    count = item.get(FIELD)
    return count if type(count) is int and count > 0 else 0


def _backoff(count: int) -> float:
    """Return Sidekiq's delay in seconds, if no time is known."""
    return 300.0 * count + random.random() * 300.0 + 1.0
