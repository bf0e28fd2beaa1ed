"""The clock that the runtime measures by.

Tests may freeze the clocks of `time`: freezegun replaces them in some threads and not in others. A worker inside such
a test must measure by a single clock. Only the time when a job is due goes by `time.time`, which tests may move.
"""

import time

_real = (time.monotonic,)  # in a tuple, since libraries that replace functions of modules do not look there


def monotonic() -> float:
    """Return `time.monotonic()`, seconds."""
    return _real[0]()
