"""What callers give as a time, as epoch seconds."""

import math
import time
from datetime import UTC, datetime, timedelta

from teep.errors import InvalidJob

# Sidekiq's border: a smaller "interval" counts from now, a larger one is an epoch time already.
_ABSOLUTE_FROM = 1_000_000_000

_CALENDAR = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


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


def exactly(at: datetime | float) -> float:
    """Return epoch seconds of a datetime, or a number as it is, as a set's scores are meant."""
    seconds = at.timestamp() if isinstance(at, datetime) else at
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise InvalidJob(f"a time must be a datetime or epoch seconds, not {at!r}")
    return float(seconds)


def shown(score: float) -> datetime:
    """Return the time that a set's score stands for; beyond the calendar (another's mistake) its first or last."""
    first, last = (end.timestamp() for end in _CALENDAR)
    if first < score < last:
        return datetime.fromtimestamp(score, UTC)
    return _CALENDAR[score > 0]
