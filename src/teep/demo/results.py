"""The results of the demo's jobs: a file of JSON lines, a line a job.

A job queue carries no results back; jobs write them where they belong. Each line is one write to a file that is
opened for appending, so lines of many threads and processes never mix.
"""

import os
from collections import Counter
from pathlib import Path

from teep.demo.analysis import Counts
from teep.wire import json

FOLDER = "TEEP_DEMO_FOLDER"
"""The environment variable that tells the workers where the demo's folder is."""


def path_in(folder: Path) -> Path:
    return folder / "results.jsonl"


def append(path: str, counts: Counts) -> None:
    """Add a file's counts to the results of the demo that this process works for."""
    line = json.dumps([path, os.getpid(), *counts]) + b"\n"
    results = os.open(path_in(Path(os.environ[FOLDER])), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(results, line)
    finally:
        os.close(results)


class Results:
    """The results so far, by file: a job that ran twice counts once."""

    def __init__(self, folder: Path) -> None:
        self._path = path_in(folder)
        self._path.touch()
        self._read = 0
        self.counts: dict[str, Counts] = {}
        self.by_process: Counter[int] = Counter()
        """How many runs each process has finished, by pid."""

    @property
    def repeated(self) -> int:
        """How many runs came to a result that was already there."""
        return self.by_process.total() - len(self.counts)

    def refresh(self) -> None:
        """Read the results that were added since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            complete, end, _ = file.read().rpartition(b"\n")
        self._read += len(complete) + len(end)
        for line in complete.splitlines():
            path, pid, *counts = json.loads(line)
            self.counts[path] = Counts(*counts)
            self.by_process[pid] += 1
