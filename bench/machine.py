"""The computer that a figure was taken on, and how fast it is just now."""

import os
import platform
import time
from pathlib import Path


def describe() -> str:
    """Cores, memory, processor and kernel, in one line."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {gib:.1f} GiB, {_processor()}, {platform.system()} {platform.release()}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def loop_seconds() -> float:
    """How long a fixed loop of pure Python takes: about 50 ms.

    Virtual machines change their speed by up to two times within minutes. A figure whose loop took longer
    than its neighbour's was taken on a slower machine.
    """
    started = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number & 7
    return time.perf_counter() - started
