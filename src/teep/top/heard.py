"""Log lines while the screen is in use: they would be written across it, so they are told in its status line."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Handler(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(f"{record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def heard(tell: Callable[[str], None]) -> Iterator[None]:
    """Give this process's log lines to a function for a while, and to nobody else. It is called on any thread."""
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = [_Handler(tell)]
    try:
        yield
    finally:
        root.handlers[:] = before
