"""The options among a payload's fields: which there are, and what each may be.

Any other field is a job author's own, and goes everywhere unchecked.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from teep.errors import InvalidJob

# Seconds beyond this are an absolute time by mistake; Sidekiq refuses them too.
MAX_SECONDS = 1_000_000_000

# The options that are seconds.
SECONDS = frozenset({"retry_for", "expires_in", "timeout", "max_iteration_runtime", "unique_for"})

# Sidekiq's names of log levels, which payloads carry, as Python counts them.
LOG_LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


class Check(NamedTuple):
    """Whether a value fits an option, and what the option must be, to go on after its name."""

    fits: Callable[[Any], bool]
    must: str


def seconds(value: Any) -> float | None:
    """Return an option's seconds, or None where it is none: it may come from another producer."""
    if type(value) in (int, float) and 0 < value <= MAX_SECONDS:
        return float(value)
    return None


def log_level(value: Any) -> int | None:
    """Return a payload's `log_level` as Python counts, or None where it is none."""
    return LOG_LEVELS.get(value.lower()) if isinstance(value, str) else None


def _is_retry(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value)


def _is_queue(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_unique_for(value: Any) -> bool:
    return value is False or seconds(value) is not None


_QUEUE = "the name of a queue"
_SECONDS = f"seconds above 0, up to {MAX_SECONDS}"
_BOOL = "true or false"

CHECKS: Mapping[str, Check] = {
    "queue": Check(_is_queue, _QUEUE),
    "retry": Check(_is_retry, "true, false or how many times (0 or more)"),
    "retry_for": Check(lambda value: seconds(value) is not None, f"{_SECONDS}, from the first failure on"),
    "retry_queue": Check(_is_queue, _QUEUE),
    "dead": Check(_is_bool, _BOOL),
    "backtrace": Check(_is_retry, "true, false or how many lines (0 or more)"),
    "tags": Check(_are_tags, "a list of strings"),
    "encrypt": Check(_is_bool, _BOOL),
    "transactional": Check(_is_bool, _BOOL),
    "expires_in": Check(lambda value: seconds(value) is not None, f"{_SECONDS}, from when the job is due"),
    "timeout": Check(lambda value: seconds(value) is not None, _SECONDS),
    "max_iteration_runtime": Check(lambda value: seconds(value) is not None, _SECONDS),
    "unique_for": Check(_is_unique_for, f"{_SECONDS}, from when the job is due, or false"),
    "unique_until": Check(lambda value: value in ("success", "start"), '"success" or "start"'),
    "log_level": Check(lambda value: log_level(value) is not None, f"one of {', '.join(LOG_LEVELS)}"),
}


def check(item: Mapping[str, Any]) -> None:
    """Refuse options that Sidekiq or teep would refuse or misread. None stands for an option that is not set.

    Raises:
        InvalidJob: an option does not fit.
    """
    for name, value in item.items():
        known = CHECKS.get(name)
        # Without a queue there is no place to go.
        if known is not None and (value is not None or name == "queue") and not known.fits(value):
            raise InvalidJob(f'"{name}" must be {known.must}, not {value!r}')
