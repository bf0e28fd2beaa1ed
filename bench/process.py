"""A running system: a process and its children, with their use of the machine. Reads /proc, so Linux only."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self

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
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=_ROOT,
                env=self.environment(env),
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output,
                stderr=output,
                start_new_session=True,
            )

    @staticmethod
    def environment(variables: Mapping[str, str]) -> dict[str, str]:
        """This process's environment, from which `bench` can be imported, with `variables`."""
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        return {**os.environ, "PYTHONPATH": path, **variables}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self.stop()
        except BenchError as late:
            if error is None:
                raise
            error.add_note(str(late))  # the first error says why

    def read_line(self, seconds: float) -> bytes:
        """The next line of one that talks. Raises BenchError if it ends, or prints nothing for this long."""
        pipe = self._popen.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], seconds)[0]:
            raise BenchError(f"no answer within {seconds:.0f} s:\n{self.log_tail()}")
        return pipe.readline() or self._raise_ended()

    def check_alive(self) -> None:
        """Raises BenchError with the end of the log if the process has ended."""
        status = self._popen.poll()
        if status is not None:
            raise BenchError(f"{self._command[0]} ended with status {status}:\n{self.log_tail()}")

    def lines_printed(self) -> int:
        """How many lines the process has printed."""
        return self._log.read_bytes().count(b"\n")

    def log_tail(self) -> str:
        """The last 2,000 characters that the process printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """User and system time of the process tree so far, ended children included. Resolution 10 ms."""
        return sum(_cpu_ticks(pid) for pid in self._tree()) / _TICKS_PER_SECOND

    def peak_rss(self, *, alone: bool = False) -> int:
        """The most memory that the processes alive now have held, in bytes; shared pages count for each.

        `alone` leaves out the children of the process.
        """
        return sum(_peak_rss(pid) for pid in ([self._popen.pid] if alone else self._tree()))

    def rss(self) -> int:
        """The memory that the process itself holds now, in bytes."""
        return _status(self._popen.pid, "VmRSS")

    def _raise_ended(self) -> NoReturn:
        self._popen.wait()
        self.check_alive()
        raise BenchError("it ended")

    def stop(self) -> None:
        """Ends it with SIGTERM; kills the whole session if that takes longer than a system may need."""
        self._terminate()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()

    def _terminate(self) -> None:
        if self._popen.poll() is not None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            raise BenchError(f"{self._command[0]} did not stop on SIGTERM:\n{self.log_tail()}") from None

    def kill(self) -> None:
        """Ends the process and all its children with SIGKILL, as an operator or a lack of memory does."""
        for pid in list(self._tree()):
            with suppress(ProcessLookupError):  # a child that noticed its parent's end
                os.kill(pid, signal.SIGKILL)
        self._popen.wait()

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
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
