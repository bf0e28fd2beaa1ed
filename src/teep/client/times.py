"""Turns the times that callers give into epoch seconds."""

import math
import time
from datetime import UTC, datetime, timedelta

from teep.errors import InvalidType, InvalidValue
from teep.wire import payload

# Sidekiq's border between numbers: a smaller "interval" counts from now, a larger one is an epoch time already.
_ABSOLUTE_FROM = 1_000_000_000

_CALENDAR = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def due(interval: float | timedelta) -> float:
    """Return the epoch seconds that lie `interval` (seconds or a timedelta) from now.

    A number from 1,000,000,000 on is an epoch time, as in Sidekiq; a timedelta never is.
    """
    if isinstance(interval, timedelta):
        return _sound(time.time() + interval.total_seconds())
    if isinstance(interval, bool) or not isinstance(interval, (int, float)):
        raise InvalidType(f"an interval must be seconds or a timedelta, not {interval!r}")
    seconds = _sound(interval)
    return seconds if seconds >= _ABSOLUTE_FROM else time.time() + seconds


def wait_of(interval: float | timedelta) -> float | timedelta:
    """Return an interval that counts from a later time than now: a timedelta, or the epoch time that a number is.

    See `due`, and for its result `moment`.
    """
    due(interval)
    is_absolute = not isinstance(interval, timedelta) and interval >= _ABSOLUTE_FROM
    if is_absolute or isinstance(interval, timedelta):
        return interval
    return timedelta(seconds=interval)


def moment(at: float | timedelta) -> float:
    """Return the epoch seconds of an epoch time, or of an interval that counts from now."""
    return due(at) if isinstance(at, timedelta) else at


def epoch(at: datetime | float) -> float:
    """Return epoch seconds of a datetime (a naive one is local time, as in all of Python), or a number as it is."""
    if isinstance(at, datetime):
        try:
            return at.timestamp()
        except (ValueError, OverflowError, OSError) as error:  # a naive one at either end of the calendar
            raise InvalidValue(f"{at!r} is no time on this machine: {error}") from error
    if isinstance(at, timedelta):
        raise InvalidType(f"a time must be a datetime or epoch seconds, not {at!r}; an interval is for perform_in")
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        raise InvalidType(f"a time must be a datetime or epoch seconds, not {at!r}")
    if isinstance(at, float) and not math.isfinite(at):
        raise InvalidValue(f"a time must be a datetime or epoch seconds, not {at!r}")
    return _sound(at)


def _sound(seconds: float) -> float:
    payload.validate_time(seconds)
    return float(seconds)


def shown(score: float) -> datetime:
    """Return the time of a set's score; for one beyond the calendar, written by mistake, its first or last moment."""
    first, last = (end.timestamp() for end in _CALENDAR)
    if first < score < last:
        return datetime.fromtimestamp(score, UTC)
    return _CALENDAR[score > 0]
