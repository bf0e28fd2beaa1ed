"""What only tells: log lines, metrics, spans. What goes wrong in it goes no further, and is said on standard error.

A logger's filters, handlers and formatters are users' code, as exporters are, and may raise anything. So all that
teep itself tells goes through here:

1. `Logger` is a logger that never raises.
2. `quietly` makes a call, and `quiet` goes through a context manager, whose errors are nobody else's.
"""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, TypeVar

from teep import tracebacks
from teep.errors import JobCancelled, JobTimeout, Shutdown

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPTIONS: tuple[type[BaseException], ...] = (JobTimeout, JobCancelled, Shutdown)
"""What may be raised in a job's thread at any of its bytecodes. What tells within a job lets these through."""


class Logger:
    """A logger of `logging`, by its name, that never raises; `passing` are exceptions that it lets through.

    Its records come with `exc_text`, a traceback that is safe and bounded. Where a record has a field of the name of
    one in `extra` already, as of a record factory's, that is replaced.
    """

    def __init__(self, name: str, passing: tuple[type[BaseException], ...] = ()) -> None:
        self._logger = logging.getLogger(name)
        self._passing = passing
        self.is_on = self._logger.isEnabledFor
        """Whether a level is logged. The logger's own answer, which costs no more than it must, and may raise."""

    def debug(self, text: str, *args: object, extra: Mapping[str, Any] | None = None) -> None:
        self._log(logging.DEBUG, text, args, None, extra, None)

    def info(self, text: str, *args: object, extra: Mapping[str, Any] | None = None) -> None:
        self._log(logging.INFO, text, args, None, extra, None)

    def warning(self, text: str, *args: object, extra: Mapping[str, Any] | None = None) -> None:
        self._log(logging.WARNING, text, args, None, extra, None)

    def error(
        self,
        text: str,
        *args: object,
        exc_info: BaseException | None = None,
        exc_text: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Log an error, with the traceback of `exc_info`; `exc_text` is that traceback where it should be another."""
        self._log(logging.ERROR, text, args, exc_info, extra, exc_text)

    def critical(self, text: str, *args: object) -> None:
        self._log(logging.CRITICAL, text, args, None, None, None)

    def log(self, level: int, text: str, *args: object) -> None:
        self._log(level, text, args, None, None, None)

    def _log(
        self,
        level: int,
        text: str,
        args: tuple[object, ...],
        error: BaseException | None,
        extra: Mapping[str, Any] | None,
        exc_text: str | None,
    ) -> None:
        try:
            logger = self._logger
            if not logger.isEnabledFor(level):
                return
            filename, line, function, _ = logger.findCaller(stacklevel=3)
            exc_info = None if error is None else (type(error), error, tracebacks.traceback_of(error))
            record = logger.makeRecord(logger.name, level, filename, line, text, args, exc_info, function)
            if error is not None:
                record.exc_text = exc_text or tracebacks.text(error)
            if extra is not None:
                record.__dict__.update(extra)
            logger.handle(record)
        except self._passing:
            raise
        except BaseException as problem:  # noqa: BLE001 - of a filter, a handler, a formatter
            complain(problem, f"{logging.getLevelName(level)}: {_filled(text, args)}")


def quietly(call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Make a call that only tells."""
    try:
        call(*args, **kwargs)
    except BaseException as problem:  # noqa: BLE001 - users' code
        complain(problem, "what tells of a job has failed")


def quiet(manager: Callable[[T], AbstractContextManager[Any]]) -> Callable[[T], AbstractContextManager[None]]:
    """Return a context manager's factory whose contexts only tell of what runs within.

    What goes wrong on the way in or out is not the job's failure; the job's own error, and an interruption, is what
    leaves.
    """

    @contextmanager
    def within(subject: T) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(manager(subject))
            except INTERRUPTIONS:
                raise
            except BaseException as problem:  # noqa: BLE001 - of a library or an exporter
                complain(problem, "what measures a job has failed")
            inner = stack.pop_all()
        try:
            yield
        except BaseException as error:
            _leave(inner, error)
            raise
        _leave(inner, None)

    return within


def complain(problem: BaseException, about: str) -> None:
    """Say on standard error what went wrong where it cannot be logged; `logging.raiseExceptions` holds here, too."""
    try:
        if logging.raiseExceptions:
            words = f"{tracebacks.class_name(type(problem))}: {tracebacks.message(problem)}"
            sys.stderr.write(f"teep: {about} ({words})\n")
    except BaseException:  # noqa: BLE001, S110 - there is nowhere left to say it
        pass


def _leave(stack: contextlib.ExitStack, error: BaseException | None) -> None:
    try:
        if error is None:
            stack.__exit__(None, None, None)
        else:
            stack.__exit__(type(error), error, tracebacks.traceback_of(error))
    except INTERRUPTIONS:
        raise
    except BaseException as problem:  # noqa: BLE001 - as above
        if problem is not error:
            complain(problem, "what measures a job has failed")


def _filled(text: str, args: tuple[object, ...]) -> str:
    try:
        return text % args if args else text
    except BaseException:  # noqa: BLE001 - of an argument's own code
        return text
