"""The log format for a person at a terminal: in colour, by local time, with what matters first."""

import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from teep.telling import printable
from teep.worker.logs.fast_lines import LineFormatter
from teep.worker.logs.records import LEVELS, error_of, said, short

_RESET, _BOLD, _DIM, _RED = "\033[0m", "\033[1m", "\033[2m", "\033[31m"
_COLOURS = {
    "DEBUG": "\033[36m", "INFO": "\033[32m", "WARNING": "\033[33m", "ERROR": _RED, "CRITICAL": _RED,
}  # fmt: skip
_FAILURES = ("ERROR", "CRITICAL")


class TerminalFormatter(LineFormatter):
    r"""`03:02:04.123 INFO  Welcome done  5 ms jid=… pid=7 tid=k3`, in colour.

    What a terminal would obey is written out: an escape character of an error's message comes as `\x1b`.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record.levelname, *said(record))
        return f"{line}\n{_DIM}{printable(error)}{_RESET}" if (error := error_of(record)) else line

    def line(
        self, level: str, created: float, msecs: int, pid: int | None, tid: str, context: Mapping[str, Any], text: str
    ) -> str:
        fields = {**context, "pid": pid, "tid": tid}
        job, seconds = fields.pop("class", None), fields.pop("elapsed", None)
        first, newline, more = printable(text).partition("\n")
        words = [
            f"{_DIM}{_time(int(created))}.{msecs:03d}{_RESET}",
            f"{_COLOURS.get(level, '')}{LEVELS.get(level, level):5}{_RESET}",
            *([f"{_BOLD}{_on_one_line(job)}{_RESET}"] if job is not None else []),
            f"{_RED}{first}{_RESET}" if level in _FAILURES else first,
        ]
        told = [*_took(seconds), *(f"{name}={short(value)}" for name, value in fields.items())]
        return f"{' '.join(words)}  {_DIM}{_on_one_line(' '.join(told))}{_RESET}{newline}{more}"


def _took(seconds: Any) -> list[str]:
    """Return the time that a run took, in milliseconds below a second; nothing if there is none."""
    if not isinstance(seconds, int | float):
        return [] if seconds is None else [f"elapsed={seconds}"]
    if seconds >= 1:
        return [f"{seconds:.1f} s"]
    return [f"{seconds * 1000:.0f} ms"] if seconds >= 0.001 else ["<1 ms"]


def _on_one_line(value: Any) -> str:
    return printable(str(value)).replace("\n", "\\n")


@lru_cache(maxsize=2)
def _time(epoch: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(epoch))
