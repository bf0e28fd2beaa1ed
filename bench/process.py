"""A running system: a process and whatever it starts, with what it used up. Reads /proc, so Linux only."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from bench.errors import BenchError

_ROOT = Path(__file__).parent.parent
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 40.0
"""Longer than Sidekiq's and teep's own 25 s for a shutdown."""


class Process:
    """Runs `command` from the project's root in a session of its own; its output goes to `log`.

    One that `talks` has pipes as its standard input and output; only its errors go to the log.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path, *, talks: bool = False) -> None:
        self._command = command
        self._log = log
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": path, **env},
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def check_alive(self) -> None:
        """Raises BenchError with the end of the log where the process has ended."""
        status = self._popen.poll()
        if status is not None:
            raise BenchError(f"{self._command[0]} ended with status {status}:\n{self.log_tail()}")

    def log_size(self) -> int:
        """How much the process has printed, in bytes."""
        return self._log.stat().st_size

    def log_tail(self) -> str:
        """The last 2,000 characters of what the process printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """User and system time of the process tree so far, ended children included. Resolution 10 ms."""
        return sum(_cpu_ticks(pid) for pid in self._tree()) / _TICKS_PER_SECOND

    def peak_rss(self) -> int:
        """The most memory that the processes alive now have held, in bytes; shared pages count for each."""
        return sum(_peak_rss(pid) for pid in self._tree())

    def stop(self) -> None:
        """Ends it with SIGTERM; kills the whole session where that takes longer than a system may need."""
        if self._popen.poll() is not None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            raise BenchError(f"{self._command[0]} did not stop on SIGTERM:\n{self.log_tail()}") from None

    def _tree(self) -> Iterator[int]:
        pending = [self._popen.pid]
        while pending:
            pid = pending.pop()
            yield pid
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pending.extend(int(child) for child in children.read_text(encoding="ascii").split())


def _cpu_ticks(pid: int) -> int:
    # The command's name, in brackets, may hold blanks; utime, stime, cutime and cstime are fields 14 to 17.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])


def _peak_rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
