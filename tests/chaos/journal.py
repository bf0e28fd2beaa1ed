"""The journal: what really ran, written by the jobs themselves into a file that depends on no server.

Each line is one write to a file opened for appending, so no kill can split it and no line overwrites another.
Moments are in seconds of the monotonic clock, which all processes of a machine share and no one can move.
"""

import itertools
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VARIABLE = "CHAOS_JOURNAL"
_serial = itertools.count(1)


def begin(number: int, jid: str, attempt: int) -> str:
    """Note the start of a run in this process; returns what `finish` takes."""
    run = f"{os.getpid()}-{next(_serial)}"
    _write(f"start {run} {time.monotonic():.6f} {number} {jid} {attempt}")
    return run


def finish(run: str, outcome: str) -> None:
    """Note the end of a run: "done", "failed" as it should, or "cut" by something else."""
    _write(f"{outcome} {run} {time.monotonic():.6f}")


def remark(text: str) -> None:
    """Note something that this worker has logged."""
    _write(f"log {os.getpid()}-0 {time.monotonic():.6f} {text}")


def _write(line: str) -> None:
    os.write(_file(), line.replace("\n", " ").encode() + b"\n")


@cache
def _file() -> int:
    return os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@dataclass
class Run:
    """One run of one job; `end` and `outcome` are missing where it broke off without a word."""

    number: int
    jid: str
    attempt: int
    pid: int
    start: float
    end: float | None = None
    outcome: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it came to its own end, be that a success or its intended failure."""
        return self.outcome in ("done", "failed")


@dataclass
class Remark:
    """A warning that a worker has logged."""

    pid: int
    at: float
    text: str


def read(file: Path) -> tuple[list[Run], list[Remark]]:
    """Return every run, by its start, and every remark."""
    return parse(file.read_text("utf-8").splitlines()) if file.exists() else ([], [])


def parse(lines: Iterable[str]) -> tuple[list[Run], list[Remark]]:
    """Return what `read` does, of lines."""
    runs: dict[str, Run] = {}
    remarks: list[Remark] = []
    for line in lines:
        event, run, moment, *rest = line.split(" ", 3)
        pid, at = int(run.partition("-")[0]), float(moment)
        if event == "log":
            remarks.append(Remark(pid, at, rest[0]))
        elif event == "start":
            number, jid, attempt = rest[0].split()
            runs[run] = Run(int(number), jid, int(attempt), pid, at)
        else:
            runs[run].end, runs[run].outcome = at, event
    return sorted(runs.values(), key=lambda run: run.start), remarks
