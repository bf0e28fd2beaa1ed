"""Strings for a screen: values from Redis, harmless and on one line; numbers, spans of time, and sizes."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from teep.telling import on_one_line

MOST = 400
"""Characters of one field in a list; no screen shows more."""

_DEEPEST = 100
"""Levels of JSON that are shown: as many as Ruby reads."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MOST_BYTES = 10**18
_SHORT = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def plain(value: Any, most: int = MOST) -> str:
    """Return any value of a payload as one line that a terminal can show; "" for None."""
    return "" if value is None else on_one_line(str(value)[:most])


def as_json(value: Any, indent: int | None = None) -> str:
    """Return any value of a payload as JSON; of one that is too deep, or has too many digits, a sentence."""
    with suppress(ValueError):  # a number of too many digits
        if not _is_deep(value, _DEEPEST):
            return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return "(too deep or too long to show here: y shows the payload)"


def _is_deep(value: Any, levels: int) -> bool:
    """Tell whether a value nests this deep: indented, one of 10,000 levels would be 200 MB."""
    if not levels:
        return True
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return any(_is_deep(each, levels - 1) for each in value)


def arguments(values: Iterable[Any], most: int = MOST) -> str:
    """Return a job's arguments as one line of JSON."""
    found: list[str] = []
    for value in values:
        found.append(as_json(value))
        if sum(map(len, found)) > most:
            break
    return plain(", ".join(found), most)


def number(value: float) -> str:
    """Return a whole number with its thousands apart."""
    return f"{round(value):,}"


def short(value: float) -> str:
    """Return a number in four characters or so, such as "1.2M"."""
    for size, unit in _SHORT:
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 1000 * size else f"{value / size:,.0f}{unit}"
    return f"{value:.3g}" if value < 10 else f"{value:.0f}"


def span(seconds: float) -> str:
    """Return a span of time in its largest unit, such as "12 s" or "3 h"; of what is no number, 0 ms."""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 2 * _MINUTE:
        return f"{round(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{round(seconds / _HOUR)} h"
    return f"{round(min(seconds / _DAY, 1e9)):,} d"


def relative(at: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago, or in how long, a time is; "" for none."""
    if at is None:
        return ""
    seconds = (at - (now or datetime.now(UTC))).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def stamp(at: datetime | None) -> str:
    """Return a time as it is written out, and how far it is from now."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S %Z}  {relative(at)}"


def size(count: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    count = min(count, _MOST_BYTES)
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return a string in exactly so many cells: cut with an ellipsis, or filled up."""
    used = cell_len(text)
    if used > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    return " " * (width - used) + text if right else text + " " * (width - used)
