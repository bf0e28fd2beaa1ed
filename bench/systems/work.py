"""The jobs that every system runs, and the marks that they leave for the harness in a mapped file.

A system in Python registers these very functions; jobs.rb has them in Ruby. `bench/marks.py` reads the file.
"""

import mmap
import os
import time
from collections.abc import Callable

_descriptor = os.open(os.environ["BENCH_MARKS"], os.O_RDWR)
_map = mmap.mmap(_descriptor, 0)
_moments = memoryview(_map).cast("Q")


def noop(number: int) -> None:
    """Mark that this job runs."""
    _map[number] += 1


def nap(number: int, milliseconds: int) -> None:
    """Mark that this job runs, and sleep."""
    _map[number] += 1
    time.sleep(milliseconds / 1000)


def stamp(number: int) -> None:
    """Write down when this job runs, by the clock that all processes of a machine share."""
    _moments[number] = time.monotonic_ns()


JOBS: tuple[Callable[..., None], ...] = (noop, nap, stamp)
