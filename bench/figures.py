"""Figures as tables show them: three digits, short units, and the extremes beside the median."""

from collections.abc import Callable, Sequence
from statistics import median

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def short(value: float) -> str:
    """Three digits at most before a "k" or "M": 0.004, 1.52, 43.1, 562, 14.1k, 1.2M."""
    # 999.5 and more would be rounded to a fourth digit.
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return _digits(value / size) + suffix
    return _digits(value)


def spread(values: Sequence[float], shown: Callable[[float], str] = short) -> str:
    """The median with the least and the greatest, as in "562k (440k-685k)"; of a single value, it alone."""
    if len(values) == 1:
        return shown(values[0])
    return f"{shown(median(values))} ({shown(min(values))}-{shown(max(values))})"


def durations(seconds: Sequence[float]) -> str:
    """The same for durations, in the median's unit: "1.2 ms (1.1-1.4)"."""
    if len(seconds) == 1:
        return duration(seconds[0])
    middle = median(seconds)
    size, unit = next(((size, unit) for size, unit in _UNITS if middle >= size), _UNITS[-1])
    least, greatest = (_brief(value / size) for value in (min(seconds), max(seconds)))
    return f"{_brief(middle / size)} {unit} ({least}-{greatest})"


def middle(values: Sequence[float]) -> str:
    """The median alone."""
    return short(median(values))


def duration(seconds: float) -> str:
    """One duration, in the unit that fits: "1.2 ms"."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{_brief(seconds / size)} {unit}"


def _brief(value: float) -> str:
    """Two digits, as many as are the same from one measurement of a duration to the next."""
    return f"{value:.{0 if value >= 9.95 else 1}f}"


def _digits(value: float) -> str:
    """At least three digits, and no more decimals than they take; none for a whole number."""
    size = abs(value)
    if value == int(value) and size < 1000:
        return str(int(value))
    return f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.0995 else 3}f}"
