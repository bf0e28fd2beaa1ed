"""The logs of a worker: one line an event, with the job's class and jid, as `key=value`, as JSON, or for a person."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from teep.job.context import current_job
from teep.middleware import log_fields
from teep.runtime import identity
from teep.telling import printable, takes_colour
from teep.wire import json
from teep.worker.logs import fast_lines
from teep.worker.logs.fast_lines import FastLines, LineFormatter
from teep.worker.logs.log_handler import LineHandler
from teep.worker.logs.records import JOBS, LEVELS, error_of, said, short
from teep.worker.logs.terminal import TerminalFormatter

# The errors of encoding: for an object; a lone surrogate or a float such as nan; a list that holds itself.
_NO_JSON = (TypeError, ValueError, RecursionError)


def set_up(level: str, *, as_json: bool) -> None:
    """Send all log lines of this process to standard error; `level` is a name such as INFO."""
    handler = LineHandler(sys.stderr)
    formatter = JsonFormatter() if as_json else _for(takes_colour(sys.stderr))
    handler.addFilter(_add_context)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    fast_lines.use(FastLines(JOBS, handler, formatter))


def _for(colour: bool) -> LineFormatter:
    return TerminalFormatter() if colour else PrettyFormatter()


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
    """`INFO 2026-11-24T03:02:04.123Z pid=7 tid=k3 class=Welcome jid=…: done`, as Sidekiq's.

    What a terminal would obey is written out here, too: a log is looked at in one sooner or later.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record.levelname, *said(record))
        return f"{line}\n{printable(error)}" if (error := error_of(record)) else line

    def line(
        self, level: str, created: float, msecs: int, pid: int | None, tid: str, context: Mapping[str, Any], text: str
    ) -> str:
        fields = "".join(
            [f" {name}={value if type(value) is str else short(value)}" for name, value in context.items()]
        )
        if not fields.isprintable():  # half as long as to replace nothing, twice a job
            fields = printable(fields).replace("\n", "\\n")
        if not text.isprintable():
            text = printable(text)
        return f"{LEVELS.get(level, level)} {_second(int(created))}.{msecs:03d}Z pid={pid} tid={tid}{fields}: {text}"


class JsonFormatter(LineFormatter):
    """One JSON object a line with ts, pid, tid, lvl, msg and ctx, as Sidekiq's; errors add `exc`."""

    def format(self, record: logging.LogRecord) -> str:
        return self._line(record.levelname, *said(record), error_of(record))

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
            "lvl": LEVELS.get(level, level),
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


@lru_cache(maxsize=2)
def _second(epoch: int) -> str:
    """Return a second as a string. It is cached, since thousands of lines share it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")
