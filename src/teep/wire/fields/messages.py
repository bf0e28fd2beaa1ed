"""Error messages that say the same: alike but for their numbers, and for how their words are spaced."""

import re

MOST_BYTES = 200
"""So much of a message tells it from others."""

_SPACES = re.compile(r"[ \t\n\v\f\r]+")
_DIGITS = re.compile(r"[0-9]+")


def alike(message: str) -> str:
    """Return a message with "#" for each number. `reading/error_groups.lua` does the same, and cuts what is long."""
    return _DIGITS.sub("#", _SPACES.sub(" ", message))
