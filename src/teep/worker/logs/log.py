"""The log formats of a worker: one line an event, with the job's class and jid, as plain text or JSON."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from teep import tracebacks
from teep.job.context import current_job
from teep.middleware import log_fields
from teep.runtime import identity
from teep.wire import json
from teep.worker.logs import fast_lines, job_lines
from teep.worker.logs.fast_lines import FastLines, LineFormatter
from teep.worker.logs.log_handler import LineHandler

_COLOURS = {"DEBUG": "\033[36m", "WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[31m"}
_RESET = "\033[0m"
_NOT_SHOWN = ("context", "raw", "job")
_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
# The errors of encoding: for an object; a lone surrogate or a float such as nan; a list that holds itself.
_NO_JSON = (TypeError, ValueError, RecursionError)


def set_up(level: str, *, as_json: bool) -> None:
    """Send all log lines of this process to standard error; `level` is a name such as INFO."""
    handler = LineHandler(sys.stderr)
    formatter = JsonFormatter() if as_json else PrettyFormatter(colour=sys.stderr.isatty())
    handler.addFilter(_add_context)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    fast_lines.use(FastLines(job_lines.NAME, handler, formatter))


def _add_context(record: logging.LogRecord) -> bool:
    """Add the job's class, jid and `log_fields` to a record that the job's own code logs."""
    if not hasattr(record, "teep"):
        job = current_job()
        named = {} if job is None else {"class": job.payload.get("class"), "jid": job.jid}
        record.teep = named | log_fields()
    if getattr(record, "tid", None) is None:
        record.tid = identity.thread_id()
    return True


class PrettyFormatter(LineFormatter):
    """`INFO 2026-11-24T03:02:04.123Z pid=7 tid=k3 class=Welcome jid=…: done`, as Sidekiq's."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record.levelname, *_said(record))
        return f"{line}\n{error}" if (error := _error(record)) else line

    def line(
        self, level: str, created: float, msecs: int, pid: int | None, tid: str, context: Mapping[str, Any], text: str
    ) -> str:
        name = _LEVELS.get(level, level)
        if self._colour and level in _COLOURS:
            name = f"{_COLOURS[level]}{name}{_RESET}"
        fields = "".join([f" {name}={_short(value)}" for name, value in context.items()])
        return f"{name} {_second(int(created))}.{msecs:03d}Z pid={pid} tid={tid}{fields}: {text}"


class JsonFormatter(LineFormatter):
    """One JSON object a line with ts, pid, tid, lvl, msg and ctx, as Sidekiq's; errors add `exc`."""

    def format(self, record: logging.LogRecord) -> str:
        return self._line(record.levelname, *_said(record), _error(record))

    def line(
        self, level: str, created: float, msecs: int, pid: int | None, tid: str, context: Mapping[str, Any], text: str
    ) -> str:
        return self._line(level, created, msecs, pid, tid, context, text, None)

    def _line(
        self,
        level: str,
        created: float,
        msecs: int,
        pid: int | None,
        tid: str,
        context: Mapping[str, Any],
        text: str,
        error: str | None,
    ) -> str:
        line: dict[str, Any] = {
            "ts": f"{_second(int(created))}.{msecs:03d}Z",
            "pid": pid,
            "tid": tid,
            "lvl": _LEVELS.get(level, level),
            "msg": _utf8(text),
        }
        if context:
            line["ctx"] = context
        if error:
            line["exc"] = _utf8(error)
        try:
            return json.dumps(line).decode()
        except _NO_JSON:  # of a field: users may put anything there
            line["ctx"] = {_utf8(name): _as_json(value) for name, value in context.items()}
            return json.dumps(line).decode()


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


def _error(record: logging.LogRecord) -> str | None:
    """Return a record's traceback, bounded in length, even if the exception's own methods fail."""
    if record.exc_text is None and record.exc_info and (error := record.exc_info[1]) is not None:
        record.exc_text = tracebacks.text(error)
    return record.exc_text


def _as_json(value: Any) -> Any:
    """Return a field's value unchanged, or as a string if JSON cannot hold it."""
    try:
        json.dumps(value)
    except _NO_JSON:
        return _utf8(str(value))
    return value


def _utf8(text: str) -> str:
    """Return a string that JSON can hold: a lone surrogate in it becomes a question mark."""
    return text.encode(errors="replace").decode()


def _short(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _said(record: logging.LogRecord) -> tuple[float, int, int | None, str, Mapping[str, Any], str]:
    """Return the arguments of `line` after the level, from a record."""
    return (
        record.created,
        int(record.msecs),
        record.process,
        record.__dict__["tid"],
        _context(record),
        record.getMessage(),
    )


@lru_cache(maxsize=2)
def _second(epoch: int) -> str:
    """Return a second as a string. It is cached, since thousands of lines share it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")
