"""The lines of ordinary jobs, written without a `logging.LogRecord` if only teep's own handler receives them.

A record costs 8 µs, twice a job, which is more than the rest of a job's run. Before each line, this module checks for
anything that could see or change a record: another handler, a filter, a record factory, another formatter, a patched
logger. If there is one, it gets its record.
"""

import logging
import os
import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from teep.worker.logs.log_handler import LineHandler

# The methods that a record passes through. Crash reporters replace them by their own.
_METHODS = ("callHandlers", "filter", "handle", "makeRecord")
_SOURCE = logging.getLogger.__code__.co_filename


class LineFormatter(logging.Formatter):
    """A formatter of teep's, which can also make a line without a record."""

    @abstractmethod
    def line(
        self, level: str, created: float, msecs: int, pid: int | None, tid: str, context: Mapping[str, Any], text: str
    ) -> str:
        """Return the line of an event that has no traceback, without a newline."""


class FastLines:
    """Writes INFO lines of one logger to the root's `handler`, as long as that has this `formatter` and is alone."""

    def __init__(self, name: str, handler: LineHandler, formatter: LineFormatter) -> None:
        self._handler = handler
        self._formatter = formatter
        self._handlers = [handler]
        self._filters = list(handler.filters)
        self._root = logging.getLogger()
        self._loggers = _up_to_root(logging.getLogger(name))
        self._methods = _methods(logging.Logger)
        self._are_loggings_own = all(map(_is_loggings_own, self._methods))

    def write(self, text: str, tid: str, context: Mapping[str, Any]) -> bool:
        """Write a line; False if a record must do that. The caller must know that INFO is on."""
        if not self._is_alone():
            return False
        now = time.time()
        second = int(now)
        line = self._formatter.line("INFO", now, int((now - second) * 1000), os.getpid(), tid, context, text)
        self._handler.write(line)
        return True

    def _is_alone(self) -> bool:
        handler = self._handler
        return (
            self._root.handlers == self._handlers
            and handler.filters == self._filters
            and handler.formatter is self._formatter
            and handler.level <= logging.INFO
            and logging.getLogRecordFactory() is logging.LogRecord
            and logging.logProcesses
            and self._are_loggings_own
            and all(map(self._passes_on, self._loggers))
        )

    def _passes_on(self, logger: logging.Logger) -> bool:
        """Tell whether a logger only hands records to the one above it."""
        if not logger.propagate or logger.handlers or logger.filters:
            return False
        return _methods(type(logger)) == self._methods


def _up_to_root(logger: logging.Logger) -> list[logging.Logger]:
    found: list[logging.Logger] = []
    while logger.parent is not None:
        found.append(logger)
        logger = logger.parent
    return found


def _methods(kind: type[logging.Logger]) -> tuple[object, ...]:
    return tuple([getattr(kind, name) for name in _METHODS])


def _is_loggings_own(method: object) -> bool:
    code = getattr(method, "__code__", None)
    return code is not None and code.co_filename == _SOURCE


_current: list[FastLines] = []


def use(lines: FastLines) -> None:
    """Write with these from now on, in place of earlier ones."""
    _current[:] = [lines]


def write(text: str, tid: str, context: Mapping[str, Any]) -> bool:
    """Write an INFO line of a job; False if its logger must do that."""
    return bool(_current) and _current[0].write(text, tid, context)
