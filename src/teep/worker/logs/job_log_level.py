"""The log level of a single job, by its option `log_level`, as in Sidekiq: one job logs more, or less, than others.

Python has levels by logger only. So while a job with a lower level runs, the root logger has that level, and a filter
on the root's handlers hides lines of other jobs below the usual one. A logger with a level of its own keeps it, and
so does a handler.
"""

import logging
import threading
from contextvars import ContextVar

from teep.telling import Logger
from teep.wire import options
from teep.worker.fetch.unit import UnitOfWork

logger = Logger("teep")

_level: ContextVar[int | None] = ContextVar("teep_log_level", default=None)


class _Threshold:
    """The root logger's level: the one that the program has set, or the lowest that a running job asks for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[int] = []
        self._usual = logging.NOTSET

    def lower(self, level: int) -> None:
        root = logging.getLogger()
        with self._lock:
            if not self._asked:
                self._usual = root.level
            self._asked.append(level)
            self._set(root)
            for handler in root.handlers:
                handler.addFilter(self.passes)

    def restore(self, level: int) -> None:
        with self._lock:
            if level in self._asked:  # False if lowering the level has failed
                self._asked.remove(level)
            self._set(logging.getLogger())

    def passes(self, record: logging.LogRecord) -> bool:
        """Tell whether a handler may show a record, by the level of the job that logged it or the usual one."""
        level = _level.get()
        if level is not None:
            return record.levelno >= level
        return not self._asked or record.levelno >= self._usual or _has_own_level(record.name)

    def _set(self, root: logging.Logger) -> None:
        wanted = min([self._usual, *self._asked])
        if root.level != wanted:
            root.setLevel(wanted)


_threshold = _Threshold()


def enter(job: UnitOfWork) -> None:
    """Log at a job's level from now on, in this thread or task; `leave` must follow."""
    asked = None if job.item is None else job.item.get("log_level")
    if asked is None:
        return
    level = options.log_level(asked)
    if level is None:
        logger.warning("an unknown log_level is ignored: %r", asked, extra=job.named())
        return
    _level.set(level)  # first, so that `leave` undoes the next step even if it fails
    _threshold.lower(level)


def leave() -> None:
    """Log at the usual level again."""
    level = _level.get()
    if level is not None:
        _level.set(None)
        _threshold.restore(level)


def _has_own_level(name: str) -> bool:
    """Tell whether a level is set on a logger or on one of its parents below the root."""
    source: logging.Logger | None = logging.getLogger(name)
    while source is not None and source.parent is not None:
        if source.level:
            return True
        source = source.parent
    return False
