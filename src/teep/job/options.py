"""A job's options: which travel in its payload, and which stay with its code."""

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypedDict

from teep.config.job_options import CODE, fields_of
from teep.errors import InvalidJob

# What retry_in may answer: a delay, "kill" (no more retries), "discard" (drop it), or None (the usual delay).
RetryIn = Callable[[int, BaseException, dict[str, Any]], "float | timedelta | Literal['kill', 'discard'] | None"]
Exhausted = Callable[[dict[str, Any], BaseException], "Literal['discard'] | None"]


class JobOptions(TypedDict, total=False):
    """The options that `@teep.job` and `class …(teep.Job)` take."""

    name: str
    queue: str
    retry: bool | int
    retry_for: float | timedelta | None
    retry_queue: str
    retry_in: RetryIn
    retries_exhausted: Exhausted
    dead: bool
    backtrace: bool | int
    tags: list[str]
    expires_in: float | timedelta | None
    timeout: float | timedelta | None
    max_iteration_runtime: float | timedelta | None
    unique_for: float | timedelta | Literal[False] | None
    unique_until: Literal["success", "start"] | None
    encrypt: bool
    transactional: bool
    log_level: str | None


class Options(NamedTuple):
    """Options sorted by where they go: into the payload, or to the code that handles failures."""

    fields: dict[str, Any]
    retry_in: RetryIn | None
    retries_exhausted: Exhausted | None

    @classmethod
    def parse(cls, job: str, given: Mapping[str, Any]) -> "Options":
        """Sort and check a job's options.

        Raises:
            InvalidJob, InvalidArguments: an option is unknown to this version, reserved, or does not fit.
        """
        fields = fields_of(job, {name: value for name, value in given.items() if name not in CODE})
        name = given.get("name")
        if name is not None and (not isinstance(name, str) or not name):
            raise InvalidJob(f"name of {job} must be a text that is not empty, not {name!r}")
        _check_code(job, "retry_in", given.get("retry_in"), ("count", "exception", "payload"))
        _check_code(job, "retries_exhausted", given.get("retries_exhausted"), ("payload", "exception"))
        return cls(fields, given.get("retry_in"), given.get("retries_exhausted"))


def _check_code(job: str, name: str, code: Any, arguments: tuple[str, ...]) -> None:
    """Refuse what could not be called when the job fails, which is too late to hear of it."""
    if code is None:
        return
    if not callable(code):
        raise InvalidJob(f"{name} of {job} must be callable, not {code!r}")
    if inspect.iscoroutinefunction(code):
        raise InvalidJob(f"{name} of {job} must be a plain def: it is called from threads, too")
    try:
        signature = inspect.signature(code)
    except ValueError:  # some that are written in C have none
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise InvalidJob(f"{name} of {job} must take ({', '.join(arguments)}), not {signature}") from error
