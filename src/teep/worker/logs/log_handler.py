"""A log handler for many threads that write short lines to one stream."""

import contextlib
import logging
import os
import threading
import weakref
from collections import deque
from typing import Any, TextIO

from teep.errors import JobTimeout

_WRITER = "writer"
_handlers: "weakref.WeakSet[LineHandler]" = weakref.WeakSet()


class _NoLock:
    """A lock that never waits, with the methods that `logging` calls on a handler's lock."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing is held."""

    def _at_fork_reinit(self) -> None:
        """Nothing was held."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_exc_info: object) -> None:
        """Nothing is held."""


class LineHandler(logging.Handler):
    """Writes each record as a line at once. If another thread is writing, that thread writes the line.

    logging's own handlers hold a lock during the write, which lets other threads run; ten busy threads then wait in
    line for it, twice a job. Here no thread waits, and lines that came meanwhile are written in one piece.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[str] = deque()
        # The thread whose turn it is to write. Not a lock: a job's thread may be interrupted while it holds one.
        self._turn: dict[str, int] = {}
        _handlers.add(self)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Set a lock that does nothing: since Python 3.13 logging uses a handler's lock without checking for None."""
        self.lock: Any = _NoLock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(self.format(record))
        except JobTimeout:
            raise  # it is meant for the job that logs, and came here by chance
        except Exception:  # noqa: BLE001 - as logging's own handlers treat errors of a write
            self.handleError(record)

    def write(self, line: str) -> None:
        """Write a line, given without a newline. Raises any error of the stream."""
        self._lines.append(line + "\n")
        self._write()

    def flush(self) -> None:
        self._write()

    def forked(self) -> None:
        """Begin anew in a forked child. The parent's threads write the lines that they left.

        One of them may have been writing at that moment. In the child, the stream's own lock would then be held for
        ever, so the child opens a stream of its own on the same file.
        """
        self._lines.clear()
        self._turn.clear()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # a stream that is no file has no lock
            self._stream = open(  # noqa: SIM115 - for as long as the process lives
                self._stream.fileno(), "w", encoding=self._stream.encoding, errors="backslashreplace", closefd=False
            )

    def _write(self) -> None:
        mine = threading.get_ident()
        try:
            while self._lines and self._turn.setdefault(_WRITER, mine) == mine:
                self._write_lines(self._lines.copy())
                # A thread that has added a line since, and saw that it was not its turn, relies on another look.
                self._turn.clear()
        finally:
            if self._turn.get(_WRITER) == mine:
                self._turn.clear()

    def _write_lines(self, lines: deque[str]) -> None:
        """Write lines and remove them. Those of an interrupted job may be written twice, but are never lost."""
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except Exception:
            self._take_off(len(lines))  # lines that cannot be written must not pile up
            raise
        self._take_off(len(lines))

    def _take_off(self, count: int) -> None:
        for _ in range(count):
            self._lines.popleft()


def _begin_anew() -> None:
    for handler in list(_handlers):
        handler.forked()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)
