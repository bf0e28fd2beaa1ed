"""Jobs in tables and as JSON, wherever they lie."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from teep.cli.printing import Column, encodable
from teep.cli.showing.spans import ago, span, stamp, until
from teep.cli.showing.values import written

if TYPE_CHECKING:
    from teep.api import JobRecord, SortedEntry

    Record: TypeAlias = JobRecord | SortedEntry

JID = Column("jid", style="bold")
CLASS = Column("class", is_long=True, style="cyan")
ARGUMENTS = Column("arguments", is_long=True)
ERROR = Column("error", is_long=True, style="red")

COLUMNS = {
    "queue": [JID, Column("waits", is_figure=True), CLASS, ARGUMENTS],
    "scheduled": [JID, Column("due", is_figure=True), Column("queue", is_long=True), CLASS, ARGUMENTS],
    "retries": [JID, Column("next", is_figure=True), Column("tries", is_figure=True), CLASS, ERROR],
    "dead": [JID, Column("died", is_figure=True), CLASS, ERROR],
}
"""The columns of a table of jobs, by where they lie."""


def row(record: "Record", where: str) -> tuple[str, ...]:
    """Return a job as a row of such a table."""
    klass, arguments, error = record.display_class, arguments_of(record), error_of(record)
    match where:
        case "queue":
            return record.jid, span(record.latency), klass, arguments
        case "scheduled":
            return record.jid, until(time_of(record)), record.queue, klass, arguments
        case "retries":
            return record.jid, until(time_of(record)), tries_of(record), klass, error
        case _:
            return record.jid, ago(time_of(record)), klass, error


def told(record: "Record", where: str) -> dict[str, Any]:
    """Return a job as JSON has it; `at` is its score in a set: when it is due, or when it died."""
    return {
        "jid": record.jid,
        "class": record.display_class,
        "args": record.display_args if record.is_job else [encodable(record.value)],
        "queue": record.queue,
        "tags": record.tags,
        "where": where,
        "at": stamp(time_of(record)),
        "created_at": stamp(record.created_at),
        "enqueued_at": stamp(record.enqueued_at),
        "failed_at": stamp(record.failed_at),
        "retried_at": stamp(record.retried_at),
        "retry_count": record.retry_count,
        "error_class": record.error_class,
        "error_message": record.error_message,
    }


def arguments_of(record: "Record") -> str:
    """Return the arguments as someone would write them, with an encrypted one masked."""
    return ", ".join(map(written, record.display_args))


def error_of(record: "Record") -> str:
    """Return the error that a job failed with, "" if it did not."""
    said = [record.error_class, record.error_message]
    return ": ".join(str(part) for part in said if part)


def tries_of(record: "Record") -> str:
    """Return how often a job has run and failed, "" if it did not."""
    return "" if record.tries is None else f"{record.tries:,}"


def time_of(record: "Record") -> datetime | None:
    """Return the time of an entry of a set; None for a job in a queue."""
    at: datetime | None = getattr(record, "at", None)
    return at
