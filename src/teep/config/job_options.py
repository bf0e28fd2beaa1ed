"""The options of jobs as users write them, for one job or as defaults for all: their names, and how they travel.

A name that no option has goes into the payload as the user's own field. One that merely resembles an option's is
refused: `retires=0` as a field of its own would let a job that must run once run 26 times, and nobody would be told.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from teep.config import names
from teep.config.sources import elsewhere
from teep.errors import InvalidJob
from teep.wire import json, options

# What stays with the code of one job.
CODE = frozenset({"name", "retry_in", "retries_exhausted"})
# Fields that teep and Sidekiq set themselves.
_RESERVED = frozenset(
    {
        "class", "args", "kwargs", "jid", "bid", "at", "created_at", "enqueued_at", "expiry", "failed_at",
        "retried_at", "discarded_at", "retry_count", "error_class", "error_message", "error_backtrace", "rescues",
        "unique_lock",
    }
)  # fmt: skip
_KNOWN = (*options.CHECKS, *sorted(CODE))
# Names that are like those of other systems, of which one may be a typo; `elsewhere` has all of them.
_NEARLY = {"retries": "retry", "max_retries": "retry", "expires": "expires_in", "time_limit": "timeout"}
_HINTS = {
    "at": ": use .set(wait_until=…)",
    "args": ": arguments go to the verb, as in perform_async(1)",
    "kwargs": ": arguments go to the verb, as in perform_async(a=1)",
}
_LEVELS_OF_PYTHON = {"warning": "warn", "critical": "fatal"}


def fields_of(owner: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they go into a payload, checked; `owner` names in errors whose they are.

    A timedelta becomes seconds, and a log level gets Sidekiq's name for it.

    Raises:
        InvalidJob: a name is reserved, or most likely a slip; or a value does not fit.
        InvalidArguments: a value is not plain JSON.
    """
    for name in given:
        _check_name(owner, name)
    fields = {name: _plain(name, value) for name, value in given.items()}
    json.check(fields, owner)
    options.check(fields)
    return fields


def _check_name(owner: str, name: str) -> None:
    if name in options.CHECKS:
        return
    if name in _RESERVED:
        raise InvalidJob(
            f"{name!r} of {owner} is a field that teep sets itself; it cannot be an option{_HINTS.get(name, '')}"
        )
    if name in CODE:
        raise InvalidJob(f"{name!r} of {owner} is code; give it to @teep.job, or to the class")
    if (instead := elsewhere.OPTIONS.get(name)) is not None:
        raise InvalidJob(f"{owner} has no option {name!r}; use {instead}")
    if (meant := _meant(name)) is not None:
        raise InvalidJob(
            f"{owner} has no option {name!r}; did you mean {meant!r}? A field of your own needs a name less like it"
        )


@lru_cache(maxsize=1_000)  # `set` gets here at every push
def _meant(name: str) -> str | None:
    """Return the option that a name is most likely a slip of, or None."""
    near = names.meant(name, (*_KNOWN, *_NEARLY))
    return None if near is None else _NEARLY.get(near, near)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, timedelta) and name in options.SECONDS:
        return value.total_seconds()
    if name == "log_level" and isinstance(value, str):
        return _LEVELS_OF_PYTHON.get(value.lower(), value.lower())
    return value
