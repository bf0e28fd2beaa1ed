"""Reporting that never breaks a job: log lines, metrics, spans. Its errors go to standard error and no further.

A logger's filters, handlers and formatters are users' code, as exporters are, and may raise anything. So all of
teep's own reporting goes through here:

1. `Logger` is a logger that never raises.
2. `quietly` makes a call, and `quiet` runs a context manager, whose errors affect no other code.
3. `printable` writes out what a terminal would obey; `takes_colour` tells whether a stream is one in colour.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, TextIO, TypeVar

from teep import tracebacks
from teep.errors import JobCancelled, JobTimeout, Shutdown

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPTIONS: tuple[type[BaseException], ...] = (JobTimeout, JobCancelled, Shutdown)
"""Exceptions that may come in a job's thread at any of its bytecodes. Reporting within a job lets them through."""

# What a terminal obeys and does not show: control characters but for tab and newline, and marks that turn the
# direction of writing.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Logger:
    """A logger of `logging`, by its name, that never raises; `passing` are exceptions that it lets through.

    Its records have `exc_text`, a traceback that is safe and bounded. A field of `extra` replaces a record's field of
    the same name, such as one that a record factory has set.
    """

    def __init__(self, name: str, passing: tuple[type[BaseException], ...] = ()) -> None:
        self._logger = logging.getLogger(name)
        self._passing = passing
        self.is_on = self._logger.isEnabledFor
        """Whether a level is logged. It is the logger's own method, for speed, so it may raise."""

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
        """Log an error, with the traceback of `exc_info`; `exc_text` replaces that traceback."""
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
    """Make a call that only reports; its errors go to standard error."""
    try:
        call(*args, **kwargs)
    except BaseException as problem:  # noqa: BLE001 - users' code
        complain(problem, "reporting on a job has failed")


def quiet(manager: Callable[[T], AbstractContextManager[Any]]) -> Callable[[T], AbstractContextManager[None]]:
    """Return a factory of the same context managers, which only report on the code within.

    An error on the way in or out is not the job's failure, and goes to standard error. Only the job's own error, or
    an interruption, is raised.
    """

    @contextmanager
    def within(subject: T) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(manager(subject))
            except INTERRUPTIONS:
                raise
            except BaseException as problem:  # noqa: BLE001 - of a library or an exporter
                complain(problem, "measuring a job has failed")
            inner = stack.pop_all()
        try:
            yield
        except BaseException as error:
            _leave(inner, error)
            raise
        _leave(inner, None)

    return within


def complain(problem: BaseException, about: str) -> None:
    """Write an error that cannot be logged to standard error, unless `logging.raiseExceptions` is False."""
    try:
        if logging.raiseExceptions:
            words = f"{tracebacks.class_name(type(problem))}: {tracebacks.message(problem)}"
            sys.stderr.write(f"teep: {about} ({words})\n")
    except BaseException:  # noqa: BLE001, S110 - there is nowhere left to write it
        pass


def printable(text: str) -> str:
    r"""Return a string in which nothing commands a terminal: an escape character is written as `\x1b`.

    Newlines and tabs stay.
    """
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def on_one_line(value: object) -> str:
    """Return anything as one line that is safe on a terminal: what does not print is written as `printable` does it.

    That is newlines, too, and lone surrogates.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def takes_colour(stream: TextIO) -> bool:
    """Tell whether lines on a stream may be in colour: on a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


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
            complain(problem, "measuring a job has failed")


def _filled(text: str, args: tuple[object, ...]) -> str:
    try:
        return text % args if args else text
    except BaseException:  # noqa: BLE001 - of an argument's own code
        return text
