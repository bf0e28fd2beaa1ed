"""The clock that the runtime measures by.

Tests freeze those of `time` (freezegun puts its own functions in their place, in some threads and not in others). A
worker inside of such a test must go on by one clock; what is due still goes by `time.time`, which tests may move.
"""

import time

_real = (time.monotonic,)  # in a tuple, where nothing that replaces functions of modules looks


def monotonic() -> float:
    """Return `time.monotonic()`, seconds."""
    return _real[0]()
