"""Exceptions as strings: a class, a message and a traceback, whatever the exception's own code does.

Nothing here raises, and nothing is longer than a log or Redis should hold. Calls of the exception's own code
(`__str__`, `__getattr__`, `__bool__` …) are guarded; fields that Python itself keeps are read past that code.
"""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

# Characters of one message, as Sidekiq stores them, and of a whole traceback.
MESSAGE_CHARS = 10_000
_TRACEBACK_CHARS = 100_000
# The most notes of an exception, and exceptions of a group, that are shown.
_MOST = 20
# Takes a backtrace's lines, and returns those to keep.
Cleaner = Callable[[list[str]], list[str]]


def class_name(kind: type[BaseException]) -> str:
    """Return an exception's name as it is stored: plain for built-in ones, dotted for others."""
    try:
        return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    except BaseException:  # noqa: BLE001 - of a metaclass
        return "(a class without a name)"


def message(error: BaseException) -> str:
    """Return an exception's message with its notes; of a group, with its exceptions, too."""
    parts = [_own_message(error)]
    if issubclass(type(error), BaseExceptionGroup):
        parts[0] += f": {'; '.join(_leaves(error))}"
    return bounded("\n".join([*parts, *_notes(error)]))


def bounded(text: str, most: int = MESSAGE_CHARS) -> str:
    """Return a string, or its beginning and how much is left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def lines(error: BaseException) -> list[str]:
    """Return the backtrace in Ruby's form, innermost first."""
    return [_line(*place) for place in reversed(list(_places(error)))]


def without_teep(found: list[str]) -> list[str]:
    """Return a backtrace without teep's own lines. If there are no others, the innermost one stays."""
    return [line for line in found if not line.startswith(_OWN)] or found[:1]


def text(error: BaseException, clean: Cleaner = without_teep) -> str:
    """Return the traceback of an exception and those that led to it, as Python prints it.

    Each has the frames that `clean` keeps. A cleaner that returns other lines than it was given is ignored.
    """
    try:
        told = traceback.TracebackException(type(error), error, traceback_of(error), compact=True)
        _clean(told, clean)
        chunks = [_bounded_chunk(chunk) for chunk in told.format()]
    except BaseException:  # noqa: BLE001 - of the exception's own code
        frames = _cleaned(traceback.extract_tb(traceback_of(error)), clean)
        chunks = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
        chunks.append(f"{class_name(type(error))}: {message(error)}")
    return bounded("".join(chunks).rstrip("\n"), _TRACEBACK_CHARS)


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return an exception's `__traceback__`, past its own code."""
    kept: TracebackType | None = _kept(error, "__traceback__")
    return kept


def led_to_by(error: BaseException) -> BaseException | None:
    """Return the exception that led to another: its cause, else its context; past its own code."""
    cause: BaseException | None = _kept(error, "__cause__")
    return _kept(error, "__context__") if cause is None else cause


def _kept(error: BaseException, name: str) -> Any:
    return BaseException.__dict__[name].__get__(error)


def _own_message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 - the failure is reported in any case
        return f"(its message cannot be shown: {class_name(type(broken))} in __str__)"


def _notes(error: BaseException) -> list[str]:
    try:
        return [str(note) for note in getattr(error, "__notes__", ())[:_MOST]]
    except BaseException:  # noqa: BLE001 - of the exception's own code, or of a note's
        return []


def _leaves(group: BaseException) -> Iterator[str]:
    """Yield the exceptions of a group and of the groups in it, in their order."""
    waiting, told = [group], 0
    while waiting:
        error = waiting.pop()
        if issubclass(type(error), BaseExceptionGroup):
            waiting.extend(reversed(BaseExceptionGroup.__dict__["exceptions"].__get__(error)))
        elif told == _MOST:
            yield "…"
            return
        else:
            told += 1
            words = "\n".join([_own_message(error), *_notes(error)])
            yield f"{class_name(type(error))}: {words}" if words else class_name(type(error))


def _places(error: BaseException) -> Iterator[tuple[str, int, str]]:
    for frame, number in traceback.walk_tb(traceback_of(error)):
        yield frame.f_code.co_filename, number or 0, frame.f_code.co_name


def _line(filename: str, number: int | None, name: str) -> str:
    return f"{filename}:{number}:in `{name}'"


def _clean(told: traceback.TracebackException, clean: Cleaner) -> None:
    """Remove the frames that `clean` drops, from a traceback and from those that led to it."""
    waiting, seen = [told], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            one.stack[:] = _cleaned(one.stack, clean)
            waiting += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other]


def _cleaned(stack: Sequence[traceback.FrameSummary], clean: Cleaner) -> list[traceback.FrameSummary]:
    found = [_line(frame.filename, frame.lineno, frame.name) for frame in stack]
    try:
        kept = set(clean(found[::-1]))
    except BaseException:  # noqa: BLE001 - of a cleaner, which `worker.run.failure.failure` reports
        kept = set()
    if not kept or not kept.issubset(found):
        kept = set(without_teep(found[::-1]))
    return [frame for frame, line in zip(stack, found, strict=True) if line in kept]


def _bounded_chunk(chunk: str) -> str:
    return chunk if len(chunk) <= MESSAGE_CHARS else bounded(chunk) + "\n"


# The folder of teep's modules, as their frames name it.
_OWN = os.path.dirname(lines.__code__.co_filename) + os.sep  # noqa: PTH120 - a path would not be the same text
