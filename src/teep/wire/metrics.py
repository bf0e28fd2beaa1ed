"""The formulas of Sidekiq's execution metrics: buckets of time, and histograms of run times."""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

MINUTE: Final = 60
TEN_MINUTES: Final = 600

# Run times of a histogram, in milliseconds: the first bound that is larger takes the count, and no run is slower
# than the last.
BOUNDS: Final = (
    20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1100, 1700, 2500, 3800, 5750, 8500, 13000, 20000, 30000, 45000,
    65000, 100000, 150000, 225000, 335000, 1e20,
)  # fmt: skip
LABELS: Final = (
    "20ms", "30ms", "45ms", "65ms", "100ms", "150ms", "225ms", "335ms", "500ms", "750ms", "1.1s", "1.7s", "2.5s",
    "3.8s", "5.75s", "8.5s", "13s", "20s", "30s", "45s", "65s", "100s", "150s", "225s", "335s", "Slow",
)  # fmt: skip

_COUNTS = struct.Struct(f">{len(BOUNDS)}H")


class Tally:
    """The runs of one class in a minute: how many succeeded and failed; of the former, time (ms) and a histogram."""

    __slots__ = ("failed", "histogram", "ms", "succeeded")

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.ms = 0
        self.histogram = [0] * len(BOUNDS)

    def add(self, seconds: float, runs: int = 1) -> None:
        """Count runs that succeeded and took so long each. Sidekiq adds whole milliseconds, cut off."""
        ms = int(seconds * 1000)
        self.succeeded += runs
        self.ms += ms * runs
        self.histogram[bisect_right(BOUNDS, ms)] += runs

    def fields(self) -> Iterator[tuple[str, int]]:
        """Yield (field, number to add), as Sidekiq does; failed runs add no time, which says little of the job."""
        if self.succeeded:
            yield "ms", self.ms
        if self.failed:
            yield "f", self.failed
        yield "p", self.succeeded + self.failed

    def slots(self) -> list[tuple[int, int]]:
        """Return (slot, runs) to add to the histogram."""
        return [(slot, runs) for slot, runs in enumerate(self.histogram) if runs]


def bucket_start(at: datetime, seconds: int) -> datetime:
    """Return the start of the bucket of `seconds` that a time lies in, in UTC."""
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)


def stamp(at: datetime) -> str:
    """Return a UTC time as Sidekiq writes it: "2026-11-24T02:30:00Z"."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def counts(histogram: bytes) -> list[int]:
    """Return a histogram's counts, the fastest runs first. Redis stores it only as far as it was written."""
    return list(_COUNTS.unpack(histogram[: _COUNTS.size].ljust(_COUNTS.size, b"\0")))
