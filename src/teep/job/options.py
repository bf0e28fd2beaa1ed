"""A job's options: which travel in its payload, and which stay with its code."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypedDict

from teep.errors import InvalidJob
from teep.wire import json, payload

# What retry_in may answer: seconds, "kill" (no more retries), "discard" (drop it), or None (the usual delay).
RetryIn = Callable[[int, BaseException, dict[str, Any]], "float | Literal['kill', 'discard'] | None"]
Exhausted = Callable[[dict[str, Any], BaseException], "Literal['discard'] | None"]

# Promised for later versions. Taking them silently would let someone rely on what does not happen yet.
_NOT_YET = frozenset({"expires_in", "unique_for", "unique_until"})
_CODE = frozenset({"retry_in", "retries_exhausted", "name"})
# The payload's own fields, which no option may set.
_RESERVED = frozenset({"class", "args", "kwargs", "jid", "created_at", "enqueued_at", "at"})


class JobOptions(TypedDict, total=False):
    """The options that `@teep.job` and `class …(teep.Job)` take."""

    name: str
    queue: str
    retry: bool | int
    retry_for: float
    retry_queue: str
    retry_in: RetryIn
    retries_exhausted: Exhausted
    dead: bool
    backtrace: bool | int
    tags: list[str]
    timeout: float | None
    max_iteration_runtime: float | None
    encrypt: bool
    transactional: bool
    log_level: str


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
        fields = check_fields(job, {name: value for name, value in given.items() if name not in _CODE})
        for name in ("retry_in", "retries_exhausted"):
            if given.get(name) is not None and not callable(given[name]):
                raise InvalidJob(f"{name} of {job} must be callable, not {given[name]!r}")
        return cls(fields, given.get("retry_in"), given.get("retries_exhausted"))


def check_fields(job: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that go into the payload, checked."""
    for name in fields:
        if name in _NOT_YET:
            raise InvalidJob(f"{job} asks for {name}, which this version of teep cannot do yet; leave it out")
        if name in _RESERVED:
            raise InvalidJob(f"{name!r} of {job} is a field that teep sets itself; it cannot be an option")
    json.check(dict(fields), f"options of {job}")
    payload.validate_options({"queue": "default", **fields})
    return dict(fields)
