"""Fields of the running job on log records."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from teep.middleware.around import around
from teep.middleware.chain import Chains
from teep.middleware.variables import Variables, checked, values_of
from teep.wire.payload import executed_class

_NONE: Mapping[str, Any] = MappingProxyType({})
_fields: ContextVar[Mapping[str, Any]] = ContextVar("teep_log_fields", default=_NONE)
_variables: ContextVar[Variables] = ContextVar("teep_log_variables", default=_NONE)


class LogContext:
    """Puts class, jid, queue and tags of a job, and fields of your own, onto every log record made within it.

    `teep worker` shows them in its lines. Handlers of your own need a `LogFilter`.

    Args:
        variables: context variables to show, by the field's name. A record has the value at the time of logging; a
            variable that is not set makes no field.

    Raises:
        ConfigurationError: one of them is no `ContextVar`.
    """

    def __init__(self, **variables: ContextVar[Any]) -> None:
        self._variables = checked(variables)

    def join(self, config: Chains) -> None:
        """Add it around jobs, outermost, so that log records of other middleware have the fields, too."""
        config.server_middleware.prepend(around(self._named))

    @contextmanager
    def _named(self, job: dict[str, Any]) -> Iterator[None]:
        fields = {"class": executed_class(job), "jid": job.get("jid"), "queue": job.get("queue")}
        if job.get("tags"):
            fields["tags"] = job["tags"]
        tokens = (_fields.set(fields), _variables.set(self._variables))
        try:
            yield
        finally:
            _fields.reset(tokens[0])
            _variables.reset(tokens[1])


class LogFilter(logging.Filter):
    """Adds the fields as attributes to the records of a handler, for formats such as `%(jid)s`.

    It refuses no record and replaces no attribute. Outside of jobs there are no fields, so give the formatter
    defaults: `logging.Formatter(..., defaults={"jid": "-"})`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in log_fields().items():
            record.__dict__.setdefault(name, value)
        return True


def bind(**fields: Any) -> None:
    """Add fields to all further log records of the running job, and of the tasks that it starts from now on."""
    _fields.set({**_fields.get(), **fields})


def log_fields() -> dict[str, Any]:
    """Return the fields of a log record made here and now; outside of jobs, only those that were bound."""
    return {**_fields.get(), **values_of(_variables.get())}
