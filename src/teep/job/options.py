"""A job's options as types, and sorted by where they go: into its payload, or to its code.

The types repeat the table in `teep.wire.options`, as type checkers read no tables; a test compares them.
"""

import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypedDict

from teep.client.times import epoch, wait_of
from teep.config.job_options import fields_of
from teep.errors import InvalidJob
from teep.job.calls.signatures import shown, signature_of
from teep.wire.options import CODE, Exhausted, Limit, RetryIn

__all__ = ["Exhausted", "JobOptions", "Options", "PushOptions", "RetryIn", "SetOptions"]


class PushOptions(TypedDict, total=False):
    """The options that travel with a job."""

    queue: str
    retry: bool | int | None
    retry_for: float | timedelta | None
    retry_queue: str | None
    dead: bool | None
    backtrace: bool | int | None
    tags: list[str] | None
    expires_in: float | timedelta | None
    unique_for: float | timedelta | Literal[False] | None
    unique_until: Literal["success", "start"] | None
    keep_result: float | timedelta | Literal[False] | None
    timeout: float | timedelta | None
    max_iteration_runtime: float | timedelta | None
    transactional: bool | None
    encrypt: bool | None
    log_level: str | None
    extra: Mapping[str, Any] | None


class JobOptions(PushOptions, total=False):
    """The options that `@teep.job` and `class …(teep.Job)` take."""

    name: str | None
    retry_in: RetryIn | None
    retries_exhausted: Exhausted | None
    limit: Limit | Sequence[Limit] | None
    convert: bool


class SetOptions(PushOptions, total=False):
    """The options that `set` takes: those that travel, and when the job is due."""

    wait: float | timedelta | None
    wait_until: datetime | float | None


def chosen(
    job: str, given: Mapping[str, Any], at: float | timedelta | None
) -> tuple[dict[str, Any], float | timedelta | None]:
    """Return the fields that `SetOptions` stand for, and when the job is due: `at`, unless they say that.

    That is an epoch time, or a timedelta, which counts from the push.

    Raises:
        InvalidJob, InvalidArguments: an option is unknown to this version, reserved, or does not fit.
    """
    fields = dict(given)
    wait, wait_until = fields.pop("wait", None), fields.pop("wait_until", None)
    if wait is not None and wait_until is not None:
        raise InvalidJob("give wait (from now) or wait_until (a time), not both")
    if wait is not None:
        at = wait_of(wait)
    elif wait_until is not None:
        at = epoch(wait_until)
    return fields_of(job, fields), at


class Options(NamedTuple):
    """Options sorted by where they go: into the payload, or to the code that runs the job and handles failures."""

    fields: dict[str, Any]
    retry_in: RetryIn | None
    retries_exhausted: Exhausted | None
    limits: tuple[Limit, ...] = ()
    converts: bool = False

    @classmethod
    def parse(cls, job: str, given: Mapping[str, Any]) -> "Options":
        """Sort and check a job's options.

        Raises:
            InvalidJob, InvalidArguments: an option is unknown to this version, reserved, or does not fit.
        """
        fields = fields_of(job, {name: value for name, value in given.items() if name not in CODE})
        name = given.get("name")
        if name is not None and (not isinstance(name, str) or not name):
            raise InvalidJob(f"name of {job} must be a string that is not empty, not {name!r}")
        _check_code(job, "retry_in", given.get("retry_in"), ("count", "exception", "payload"))
        _check_code(job, "retries_exhausted", given.get("retries_exhausted"), ("payload", "exception"))
        limits, converts = _limits_of(job, given.get("limit")), given.get("convert", False)
        if not isinstance(converts, bool):
            raise InvalidJob(f"convert of {job} must be true or false, not {converts!r}")
        return cls(fields, given.get("retry_in"), given.get("retries_exhausted"), limits, converts)


def _limits_of(job: str, given: Any) -> tuple[Limit, ...]:
    if given is None:
        return ()
    many = isinstance(given, Sequence) and not isinstance(given, str)
    limits: tuple[Any, ...] = tuple(given) if many else (given,)
    for limit in limits:
        if not callable(check := getattr(limit, "check_for", None)):
            raise InvalidJob(f"limit of {job} must be a limit of teep.limits, or several, not {limit!r}")
        check(job)
    return limits


def _check_code(job: str, name: str, code: Any, arguments: tuple[str, ...]) -> None:
    """Refuse a callable that could not be called when the job fails, which is too late to hear of it."""
    if code is None:
        return
    if not callable(code):
        raise InvalidJob(f"{name} of {job} must be callable, not {code!r}")
    if inspect.iscoroutinefunction(code):
        raise InvalidJob(f"{name} of {job} must be a plain def: it is called from threads, too")
    try:
        signature = signature_of(code)
    except ValueError:  # some that are written in C have none
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise InvalidJob(f"{name} of {job} must take ({', '.join(arguments)}), not {shown(signature)}") from error
