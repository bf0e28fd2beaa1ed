"""A log handler for many threads that write short lines to one stream."""

import logging
import threading
from collections import deque
from typing import Any, TextIO

_WRITER = "writer"


class _NoLock:
    """A lock that never waits, with all that `logging` asks of a handler's."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing is held."""

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

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Do without logging's lock: since Python 3.13 logging enters it unasked, so it is one that does nothing."""
        self.lock: Any = _NoLock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + "\n")
            self._write()
        except Exception:  # noqa: BLE001 - logging's own way with whatever keeps a line from being written
            self.handleError(record)

    def flush(self) -> None:
        self._write()

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
