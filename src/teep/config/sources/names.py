"""Finds the known name that an unknown one was meant to be."""

from collections.abc import Iterable

# How alike (0 to 1) two names must be: for an unknown name, to suggest the known one; and for a name that may well be
# somebody's own, to take it for a typo of the known one ("timout", but not "deadline").
_SIMILAR = 0.6
_ALIKE = 0.8


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None if none is similar."""
    return _most_like(name, known, _SIMILAR)


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name of which `name` most likely is a typo, or None."""
    return _most_like(name, known, _ALIKE)


def _most_like(name: str, known: Iterable[str], least: float) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - names that are right need none

    return next(iter(get_close_matches(name, known, 1, least)), None)
