"""Unknown names, and the known ones that were meant."""

from collections.abc import Iterable

# How alike (0 to 1) two names must be: to ask whether one was meant by another that there is not, and to take one
# that may well be somebody's own for a slip of the other ("timout", but not "deadline").
_SIMILAR = 0.6
_ALIKE = 0.8


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, where one is similar."""
    return _most_like(name, known, _SIMILAR)


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely is a slip of, or None."""
    return _most_like(name, known, _ALIKE)


def _most_like(name: str, known: Iterable[str], least: float) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - names that are right need none

    return next(iter(get_close_matches(name, known, 1, least)), None)
