"""The options of jobs as users write them, for one job or as defaults for all: their names, and how they travel.

1. Fields of a user's own stand under `extra`, each of which goes into the payload under its name.
2. Until the next version they may also stand beside the options, with a warning but in `job_defaults`. There a name
   that merely resembles an option's is refused: with `retires=0` as a field of its own, a job that must run once
   would run 26 times without a word.
"""

import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from types import FrameType
from typing import Any

from teep.config.sources import elsewhere, names
from teep.errors import InvalidJob
from teep.wire import json, options

_KNOWN = tuple(options.OPTIONS)
# Names that are like those of other systems, of which one may be a typo; `elsewhere` has all of them.
_NEARLY = {"retries": "retry", "max_retries": "retry", "expires": "expires_in", "time_limit": "timeout"}
_HINTS = {
    "at": ": use .set(wait_until=…)",
    "args": ": arguments go to the verb, as in perform_async(1)",
    "kwargs": ": arguments go to the verb, as in perform_async(a=1)",
}
_EXAMPLE = "{'tenant': 'acme'}"
_PACKAGE = __name__.partition(".")[0]
_LEVELS_OF_PYTHON = {"warning": "warn", "critical": "fatal"}


def defaults_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `job_defaults`, in which users' own may stand beside the options, as in Sidekiq's.

    Raises:
        InvalidJob: as `fields_of`.
    """
    # Twice, since a copy of a configuration gets the result of this function.
    return fields_of("job_defaults", fields_of("job_defaults", given, warns=False), warns=False)


def fields_of(owner: str, given: Mapping[str, Any], *, warns: bool = True) -> dict[str, Any]:
    """Return options as they go into a payload, checked; errors name their `owner`.

    A timedelta becomes seconds, and a log level gets Sidekiq's name for it.

    Raises:
        InvalidJob: a name is reserved, or most likely a typo; or a value does not fit.
        InvalidArguments: a value is not plain JSON.
    """
    fields: dict[str, Any] = {}
    for name, value in gathered(owner, given, warns=warns).items():
        if name in options.CODE:
            raise InvalidJob(f"{name!r} of {owner} is code; give it to @teep.job, or to the class")
        fields |= (value or {}) if name == "extra" else {name: _plain(name, value)}
    json.check(fields, owner)
    options.check(fields)
    return fields


def gathered(owner: str, given: Mapping[str, Any], *, warns: bool = True) -> dict[str, Any]:
    """Return options with all fields of the author's own under `extra`, their names checked.

    Raises:
        InvalidJob: a name is reserved, or most likely a typo.
    """
    own = _own_of(owner, given.get("extra"))
    beside = {name: value for name, value in given.items() if name not in options.OPTIONS}
    for name in beside:
        _check_name(owner, name)
        if warns:
            _warn(owner, name)
    if not beside:
        return dict(given)
    found = {name: value for name, value in given.items() if name in options.OPTIONS}
    return found | {"extra": {**own, **beside}}


def joined(nearer: Mapping[str, Any], farther: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of two places: the nearer wins, and fields of a user's own are joined one by one."""
    both = {**farther, **nearer}
    if nearer.get("extra") and farther.get("extra"):
        both["extra"] = {**farther["extra"], **nearer["extra"]}
    return both


def _own_of(owner: str, extra: Any) -> Mapping[str, Any]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise InvalidJob(f"extra of {owner} must be a dict of fields of your own, such as {_EXAMPLE}, not {extra!r}")
    for name in extra:
        if name in options.OPTIONS:
            raise InvalidJob(f"{name!r} in extra of {owner} is an option; give it beside extra, not in it")
        _check_reserved(owner, name)
    return extra


def _check_name(owner: str, name: str) -> None:
    _check_reserved(owner, name)
    if (instead := elsewhere.OPTIONS.get(name)) is not None:
        raise InvalidJob(f"{owner} has no option {name!r}; use {instead}")
    if (meant := _meant(name)) is not None:
        raise InvalidJob(
            f"{owner} has no option {name!r}; did you mean {meant!r}? A field of your own goes into"
            f" extra={{{name!r}: …}}"
        )


def _check_reserved(owner: str, name: str) -> None:
    if name in options.RESERVED:
        raise InvalidJob(
            f"{name!r} of {owner} is a field that teep sets itself; it cannot be an option{_HINTS.get(name, '')}"
        )


def _warn(owner: str, name: str) -> None:
    """Warn, once a place, of a field of the author's own that stands beside the options."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - as warnings does
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    if frame is None:
        return
    # Not `warn`, whose stack level would be another one for each way to here.
    warnings.warn_explicit(
        f"{name!r} of {owner} is no option: write extra={{{name!r}: …}} for a field of your own; the next version"
        " refuses it beside the options",
        DeprecationWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


@lru_cache(maxsize=1_000)  # `set` gets here at every push
def _meant(name: str) -> str | None:
    """Return the option that a name is most likely a typo of, or None."""
    near = names.meant(name, (*_KNOWN, *_NEARLY))
    return None if near is None else _NEARLY.get(near, near)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, timedelta) and name in options.SECONDS:
        return value.total_seconds()
    if name == "log_level" and isinstance(value, str):
        return _LEVELS_OF_PYTHON.get(value.lower(), value.lower())
    return value
