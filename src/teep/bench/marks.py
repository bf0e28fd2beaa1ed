"""The marks by which measured jobs tell that they run: a place for each in a file that both processes map.

No lock is needed, Redis is not asked, and a job that is lost or run twice shows.
"""

import mmap
import os
import time
from pathlib import Path

FILE = "TEEP_BENCH_MARKS"
_MOMENT_BYTES = 8

# Nanoseconds of the one clock that all processes of a machine share.
clock = time.monotonic_ns


def mapped() -> mmap.mmap:
    """Return the marks, as a job sees them."""
    return _map(Path(os.environ[FILE]))


def _map(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


class Marks:
    """The marks of jobs 0 to `jobs` - 1 in a new file at `path`: a byte each, or eight for a moment."""

    def __init__(self, path: Path, jobs: int) -> None:
        path.write_bytes(bytes(jobs * _MOMENT_BYTES))
        self._jobs = jobs
        self._map = _map(path)

    def done(self) -> int:
        """Return how many jobs have run."""
        return self._jobs - self._map[: self._jobs].count(0)

    def repeated(self) -> int:
        """Return how many jobs ran more than once."""
        return sum(mark > 1 for mark in self._map[: self._jobs])

    def moments(self, jobs: int) -> list[int]:
        """Return when each of the first `jobs` ran, by `clock`; 0 if it has not."""
        return memoryview(self._map[: jobs * _MOMENT_BYTES]).cast("Q").tolist()

    def clear(self) -> None:
        """Clear all marks."""
        self._map[:] = bytes(len(self._map))

    def close(self) -> None:
        """Close the file."""
        self._map.close()
