"""What callers give as a time, as epoch seconds."""

import time
from datetime import datetime, timedelta

from teep.errors import InvalidJob

# Sidekiq's border: a smaller "interval" counts from now, a larger one is an epoch time already.
_ABSOLUTE_FROM = 1_000_000_000


def due(interval: float | timedelta) -> float:
    """Return the epoch seconds that lie `interval` (seconds or a timedelta) from now."""
    seconds = interval.total_seconds() if isinstance(interval, timedelta) else interval
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidJob(f"an interval must be seconds or a timedelta, not {interval!r}")
    return float(seconds) if seconds >= _ABSOLUTE_FROM else time.time() + seconds


def epoch(at: datetime | float) -> float:
    """Return epoch seconds of a datetime (a naive one is local time, as everywhere in Python) or a number."""
    if isinstance(at, datetime):
        return at.timestamp()
    return due(at)
