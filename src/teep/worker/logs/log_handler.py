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
    """A lock that never waits, with all that `logging` asks of a handler's."""

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
    """Writes each record as a line at once; a thread that finds another one writing leaves its line to that one.

    logging's own handlers hold a lock while they write, which gives up the interpreter; ten busy threads then wait in
    line for it, twice a job. Here none waits, and what came meanwhile is written in one piece.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[str] = deque()
        # Whose turn it is to write. No lock: a job's thread may be interrupted between taking one and giving it back.
        self._turn: dict[str, int] = {}
        _handlers.add(self)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Do without logging's lock: since Python 3.13 logging enters it unasked, so it is one that does nothing."""
        self.lock: Any = _NoLock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(self.format(record))
        except JobTimeout:
            raise  # it came here by chance, and is for the job that logs
        except Exception:  # noqa: BLE001 - logging's own way with whatever keeps a line from being written
            self.handleError(record)

    def write(self, line: str) -> None:
        """Write a line, given without its end, and raise what keeps it from being written."""
        self._lines.append(line + "\n")
        self._write()

    def flush(self) -> None:
        self._write()

    def forked(self) -> None:
        """Begin anew in a forked child: what its parent's threads have left will be written there, and by them.

        One of them may have been writing at that moment, and hold the stream's own lock for ever: so the child has a
        stream of its own on the same file.
        """
        self._lines.clear()
        self._turn.clear()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # what is no file has no lock either
            self._stream = open(  # noqa: SIM115 - for as long as the process lives
                self._stream.fileno(), "w", encoding=self._stream.encoding, errors="backslashreplace", closefd=False
            )

    def _write(self) -> None:
        mine = threading.get_ident()
        try:
            while self._lines and self._turn.setdefault(_WRITER, mine) == mine:
                self._write_lines(self._lines.copy())
                # Whoever added a line since, and saw that it was not its turn, relies on another look.
                self._turn.clear()
        finally:
            if self._turn.get(_WRITER) == mine:
                self._turn.clear()

    def _write_lines(self, lines: deque[str]) -> None:
        """Write lines and take them off; those of an interrupted job come twice rather than never."""
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except Exception:
            self._take_off(len(lines))  # what cannot be written must not pile up
            raise
        self._take_off(len(lines))

    def _take_off(self, count: int) -> None:
        for _ in range(count):
            self._lines.popleft()


def _begin_anew() -> None:
    for handler in list(_handlers):
        handler.forked()


if hasattr(os, "register_at_fork"):  # where processes can be forked
    os.register_at_fork(after_in_child=_begin_anew)
