"""The log lines of a job. A failure is logged and given to the error handlers in one.

`teep.worker.run.observers` has a table of when each line is written.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from teep import tracebacks
from teep.config import Config
from teep.config.handlers import report
from teep.config.hooks import log_error
from teep.store.feature import Unit
from teep.telling import Logger
from teep.wire.payload import executed_class
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.logs import fast_lines
from teep.worker.logs.records import JOBS
from teep.worker.run.failure.failure import Ending

logger = Logger(JOBS)


def is_on() -> bool:
    """Tell whether the lines of jobs are logged."""
    return logger.is_on(logging.INFO)


def started(item: Mapping[str, Any], thread_id: str) -> None:
    """Log that a job starts."""
    _log("start", thread_id, _context(item))


def ended(job: UnitOfWork, thread_id: str, seconds: float, line: str = "done") -> None:
    """Log that a run has ended without a failure."""
    _log(line, thread_id, _context(job.item or {}, seconds))


def skipped(job: Unit, line: str) -> None:
    """Log that a job was kept from running."""
    logger.info("%s", line, extra=job.named())


def failed(
    config: Config, job: UnitOfWork, error: BaseException, ending: Ending, thread_id: str, seconds: float
) -> None:
    """Log a failure in one record, and call the error handlers with it and with errors of the job's own callbacks.

    If the job asked for a retry, error handlers hear of those only, and the record has no traceback.
    """
    fields = {"teep": _context(ending.item, seconds), "tid": thread_id}
    if not ending.is_asked:
        context = {"context": "job raised", "job": job.item}
        report(config, error, context, partial(_log_failure, config, error, ending, fields))
    if (ending.is_asked or log_error not in config.error_handlers) and not config.skip_default_job_logging:
        logger.info(ending.summary, extra=fields)
    for problem, what in ending.problems:
        report(config, problem, {"context": what, "job": ending.item})


def _log_failure(config: Config, error: BaseException, ending: Ending, fields: dict[str, Any]) -> None:
    text = tracebacks.text(error, config.backtrace_cleaner)
    logger.error("%s", ending.summary, exc_info=error, exc_text=text, extra=fields)


def _log(text: str, thread_id: str, context: dict[str, Any]) -> None:
    if not fast_lines.write(text, thread_id, context):
        logger.info(text, extra={"teep": context, "tid": thread_id})


def _context(item: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
    context: dict[str, Any] = {"class": executed_class(item), "jid": item.get("jid")}
    for name in ("bid", "tags"):
        if item.get(name):
            context[name] = item[name]
    if seconds is not None:
        context["elapsed"] = round(seconds, 3)
    return context
