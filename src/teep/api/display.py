"""Jobs in the form to show: without ActiveJob's wrapping, and with an encrypted argument masked."""

from collections.abc import Mapping
from typing import Any

from teep.wire.fields.envelope import ENCRYPTED as ENCRYPTED  # noqa: PLC0414 - for the faces, too

_WRAPPERS = ("ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", "Sidekiq::ActiveJob::Wrapper")
_OLD_MAILER = "ActionMailer::DeliveryJob"
_MAILER = "ActionMailer::MailDeliveryJob"


def display_class(item: Mapping[str, Any]) -> str:
    """Return the class to show: the one that ActiveJob wraps, or `Mailer#method` for a mailer's delivery."""
    if isinstance(shown := item.get("display_class"), str):
        return shown
    name = str(item.get("class", ""))
    if name not in _WRAPPERS:
        return name
    wrapped = _wrapped(item)
    if wrapped in (_OLD_MAILER, _MAILER):
        return "#".join(map(str, _job_arguments(item)[:2]))
    return wrapped


def display_args(item: Mapping[str, Any], args: list[Any]) -> list[Any]:
    """Return the arguments to show: ActiveJob's unwrapped, an encrypted one masked."""
    if item.get("class") in _WRAPPERS:
        return _active_job_args(item)
    if item.get("encrypt") and args:
        return [*args[:-1], ENCRYPTED]
    return args


def _active_job_args(item: Mapping[str, Any]) -> list[Any]:
    args = _job_arguments(item)
    wrapped = _wrapped(item)
    if wrapped == _OLD_MAILER:
        return args[3:]
    if wrapped == _MAILER:
        details = args[3] if len(args) > 3 and isinstance(args[3], dict) else {}
        return [details.get("params"), details.get("args")]
    return args


def _wrapped(item: Mapping[str, Any]) -> str:
    if isinstance(wrapped := item.get("wrapped"), str):
        return wrapped
    inner = _inner(item)
    return str(inner.get("job_class", "")) if isinstance(inner, dict) else str(inner or "")


def _job_arguments(item: Mapping[str, Any]) -> list[Any]:
    inner = _inner(item)
    arguments = inner.get("arguments") if isinstance(inner, dict) else None
    return [_plain(argument) for argument in arguments] if isinstance(arguments, list) else []


def _inner(item: Mapping[str, Any]) -> Any:
    """Return the job that a wrapper carries as its only argument, or None if it carries none."""
    args = item.get("args")
    return args[0] if isinstance(args, list) and args else None


def _plain(argument: Any) -> Any:
    """Show ActiveJob's references to records as their URIs, and leave out its bookkeeping keys."""
    if isinstance(argument, list):
        return [_plain(item) for item in argument]
    if not isinstance(argument, dict):
        return argument
    if "_aj_globalid" in argument:
        return argument["_aj_globalid"]
    return {key: _plain(value) for key, value in argument.items() if not key.startswith("_aj_")}
