"""Durations as `@every` has them: `10m`, `1h30m`, `2d`."""

import re

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]+)([wdhms])")
_WHOLE = re.compile(r"([0-9]{1,12}[wdhms])+")
_NAMES = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}


def seconds_of(text: str) -> int | None:
    """Return the seconds of a duration, or None if it is none."""
    if not _WHOLE.fullmatch(text):
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text)) or None


def words_of(seconds: int) -> str:
    """Return a duration in words: "10 minutes", "1 hour and 30 minutes"; of one unit without a number: "hour"."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {_NAMES[unit]}{'s' * (count > 1)}")
    words = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return words.removeprefix("1 ") if len(parts) == 1 else words
