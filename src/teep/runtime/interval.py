"""The interval at which one of many processes looks, so that together they look often enough."""

import random

# From this many processes on the spread is wider, so that their looks do not bunch up. Sidekiq's numbers.
_MANY = 10


def spread(processes: int, average: float, own: float | None = None) -> float:
    """Return the seconds until this process's next look.

    Args:
        processes: how many processes look.
        average: seconds between looks of the whole fleet.
        own: seconds between this process's looks, whatever the others do.
    """
    mean = own if own is not None else max(1, processes) * average
    if processes < _MANY:
        return mean * random.random() + mean / 2
    return mean * random.random() * 2
