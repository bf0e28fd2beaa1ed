"""The clock that the runtime measures by.

Tests may freeze the clocks of `time`: freezegun replaces them in some threads and not in others. A worker inside such
a test must measure by a single clock. Only the time when a job is due goes by `time.time`, which tests may move.
"""

import time

_real = (time.monotonic,)  # in a tuple, since libraries that replace functions of modules do not look there


_travels = [0]


def travel(*, on: bool) -> None:
    """Let scripts take this process's time, which a test may move, for Redis's own, until it is called once more.

    For the test kit. Several parts of it may do so at a time.
    """
    _travels[0] += 1 if on else -1


def redis_time() -> int | None:
    """Return the time that scripts are to take for Redis's own (epoch microseconds); None: they ask Redis."""
    return int(time.time() * 1_000_000) if _travels[0] else None


def monotonic() -> float:
    """Return `time.monotonic()`, seconds."""
    return _real[0]()
