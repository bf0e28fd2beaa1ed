"""Spans of time and moments, in words."""

import time
from datetime import datetime

# The units of a span, with their seconds.
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """Return a span in its largest unit, such as "10 min"."""
    whole = max(0, int(seconds))
    size, unit = next((each for each in _UNITS if whole >= each[0]), _UNITS[-1])
    return f"{whole // size:,} {unit}"


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, "never" if there was none."""
    return "never" if moment is None else f"{span(time.time() - moment.timestamp())} ago"


def until(moment: datetime | None) -> str:
    """Return in how long a moment comes, "now" if it has come."""
    if moment is None:
        return ""
    seconds = moment.timestamp() - time.time()
    return f"in {span(seconds)}" if seconds > 0 else "now"


def shown(moment: datetime | None) -> str:
    """Return a moment by its date and time, to the second, "" for none."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S %Z}"


def stamp(moment: datetime | None) -> str | None:
    """Return a moment as JSON has it."""
    return None if moment is None else moment.isoformat()
