"""The parts of a log record that the formats write: the fields of its job, its message, its traceback."""

import logging
from collections.abc import Mapping
from typing import Any

from teep import tracebacks

JOBS = "teep.job"
"""The logger of the lines of jobs."""

LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""Levels by Sidekiq's names, if these differ."""

_NOT_SHOWN = ("context", "raw", "job")


def said(record: logging.LogRecord) -> tuple[float, int, int | None, str, Mapping[str, Any], str]:
    """Return what `LineFormatter.line` takes after the level."""
    return (
        record.created,
        int(record.msecs),
        record.process,
        record.__dict__["tid"],
        _context(record),
        record.getMessage(),
    )


def error_of(record: logging.LogRecord) -> str | None:
    """Return a record's traceback, bounded in length, even if the exception's own methods fail."""
    if record.exc_text is None and record.exc_info and (error := record.exc_info[1]) is not None:
        record.exc_text = tracebacks.text(error)
    return record.exc_text


def short(value: Any) -> str:
    """Return a field's value as a string; a list without its brackets."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _context(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a record. Of a payload, only the class and jid are kept, so that no argument is logged."""
    context: dict[str, Any] = record.__dict__["teep"]
    if context.keys().isdisjoint(_NOT_SHOWN):  # most lines: the start and the end of a job
        return context
    context = dict(context)
    context.pop("context", None)
    context.pop("raw", None)
    if isinstance(job := context.pop("job", None), dict):
        context |= {"class": job.get("class"), "jid": job.get("jid")}
    return context
