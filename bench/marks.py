"""Counts jobs by the jobs themselves: job number n adds one to byte n of a file that is mapped into memory.

Every system's job does the same, in one line of its own language. Threads and processes need no lock, since
no two jobs share a byte; the harness sees the progress without a Redis command; and at the end a byte that is
not 1 names the very job that was lost or run twice, where a sum would let one of each cancel out.
"""

import mmap
from pathlib import Path

from bench.errors import BenchError

ENVIRONMENT_VARIABLE = "BENCH_MARKS"
_WORD = 8


class Marks:
    """The harness's view of the marks of jobs 0 to `jobs` - 1, in a new file at `path`.

    Jobs that write down their moment instead, `stamp`, take eight bytes each.
    """

    def __init__(self, path: Path, jobs: int) -> None:
        path.write_bytes(bytes(jobs * _WORD))
        self.path = path
        self._jobs = jobs
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def done(self, numbers: range) -> int:
        """How many of these jobs have run. Takes 0.6 ns a job, so it can be asked every few milliseconds."""
        return len(numbers) - self._map[numbers.start : numbers.stop].count(0)

    def moments(self) -> list[int]:
        """When each stamping job ran, in nanoseconds of the clock that all processes share; 0: it has not."""
        return list(memoryview(self._map[:]).cast("Q"))

    def check(self) -> None:
        """Raises BenchError unless every job has run exactly once."""
        content = self._map[: self._jobs]
        lost = content.count(0)
        doubled = len(content) - lost - content.count(1)
        if lost or doubled:
            first = next(number for number, mark in enumerate(content) if mark != 1)
            raise BenchError(f"{lost} jobs were lost and {doubled} run more than once; the first is {first}")

    def clear(self) -> None:
        """Clear all marks."""
        self._map[:] = bytes(len(self._map))

    def close(self) -> None:
        self._map.close()
        self.path.unlink()
