"""The one table of job options: their values, their effects, and whether they travel in a job's payload.

`JobOptions` for type checkers, the help of `teep.job` and docs/jobs.md say the same; a test compares them.
Any other field of a payload is a job author's own, and is passed on unchecked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol, get_args

from teep.errors import InvalidJob

# Seconds beyond this are an absolute time by mistake; Sidekiq refuses them too.
MAX_SECONDS = 1_000_000_000

# Sidekiq's names of log levels, which payloads carry, as Python counts them.
LOG_LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


Seconds = float | timedelta | None
# The results of `retry_in`: a delay, "kill" (no more retries), "discard" (drop it), or None (the usual delay).
RetryIn = Callable[[int, BaseException, dict[str, Any]], float | timedelta | Literal["kill", "discard"] | None]
Exhausted = Callable[[dict[str, Any], BaseException], Literal["discard"] | None]


class Limit(Protocol):
    """A limit under which a job runs; `teep.limits` makes them."""

    name: str

    def check_for(self, job: str) -> None:
        """Refuse it if it cannot be a job's. Raises InvalidJob."""


class Check(NamedTuple):
    """The check of an option's field in a payload. In an error `must` follows the name and the word "must be"."""

    fits: Callable[[Any], bool]
    must: str


class Option(NamedTuple):
    """An option of a job.

    `type` is the type of its values, and `takes` names it in words; `default` ("": not set) and `summary` complete
    its row in the docs. `check` is for its field in a payload (None: it has none there). One that does not travel,
    `is_code`, stays with the code that defines the job.
    """

    type: Any
    takes: str
    default: str
    summary: str
    check: Check | None
    is_code: bool = False


def seconds(value: Any) -> float | None:
    """Return an option's seconds, or None if it is none: it may come from another producer."""
    if type(value) in (int, float) and 0 < value <= MAX_SECONDS:
        return float(value)
    return None


def log_level(value: Any) -> int | None:
    """Return a payload's `log_level` as Python counts, or None if it is none."""
    return LOG_LEVELS.get(value.lower()) if isinstance(value, str) else None


def _is_retry(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value)


def _is_queue(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds_or_false(value: Any) -> bool:
    return value is False or seconds(value) is not None


_QUEUE = "the name of a queue"
_SECONDS = f"seconds above 0, up to {MAX_SECONDS}"
_BOOL = "true or false"

_IN_SECONDS = Check(lambda value: seconds(value) is not None, _SECONDS)

OPTIONS: Mapping[str, Option] = {
    "queue": Option(str, "a name", '`"default"`', "where the job goes", Check(_is_queue, _QUEUE)),
    "retry": Option(
        bool | int | None,
        "bool, or how many times",
        "`True`",
        "`True`: `Config(max_retries=25)` retries; `0`: none, then the dead set; `False`: none, and no dead set"
        " either",
        Check(_is_retry, "true, false or how many times (0 or more)"),
    ),
    "retry_for": Option(
        Seconds,
        "seconds or timedelta",
        "",
        "retries go on for this long after the first failure; replaces the number of retries",
        Check(lambda value: seconds(value) is not None, f"{_SECONDS}, from the first failure on"),
    ),
    "retry_in": Option(
        RetryIn | None,
        "callable(count, exception, payload)",
        "",
        'returns seconds or a timedelta until the next try (some jitter is added), `"kill"` for the dead set now,'
        ' `"discard"` to drop the job, or `None` for the usual delay; `count` is 0 after the first failure',
        None,
        is_code=True,
    ),
    "retries_exhausted": Option(
        Exhausted | None,
        "callable(payload, exception)",
        "",
        'called when no retry is left; `"discard"` keeps the job out of the dead set; death handlers are called all'
        " the same",
        None,
        is_code=True,
    ),
    "retry_queue": Option(str | None, "a name", "its queue", "where retries go", Check(_is_queue, _QUEUE)),
    "dead": Option(
        bool | None,
        "bool",
        "`True`",
        "`False` keeps a job without retries out of the dead set",
        Check(_is_bool, _BOOL),
    ),
    "backtrace": Option(
        bool | int | None,
        "bool, or how many lines",
        "20",
        "how much of the backtrace is stored with a failure, for the data API and Sidekiq's Web UI",
        Check(_is_retry, "true, false or how many lines (0 or more)"),
    ),
    "tags": Option(
        list[str] | None,
        "list of strings",
        "",
        "to find jobs by, in logs and with `where(tag=…)`",
        Check(_are_tags, "a list of strings"),
    ),
    "expires_in": Option(
        Seconds,
        "seconds or timedelta",
        "",
        "a job that has not started this long after it was due is dropped",
        Check(lambda value: seconds(value) is not None, f"{_SECONDS}, from when the job is due"),
    ),
    "unique_for": Option(
        float | timedelta | Literal[False] | None,
        "seconds or timedelta, or `False`",
        "",
        "for this long after the job is due, pushing an identical job does nothing",
        Check(_is_seconds_or_false, f"{_SECONDS}, from when the job is due, or false"),
    ),
    "unique_until": Option(
        Literal["success", "start"] | None,
        '`"success"` or `"start"`',
        '`"success"`',
        "when a unique job lets the next one in; after `unique_for` at the latest",
        Check(lambda value: value in ("success", "start"), '"success" or "start"'),
    ),
    "keep_result": Option(
        float | timedelta | Literal[False] | None,
        "seconds or timedelta, or `False`",
        "",
        "for this long after its end, what it returned is kept for `teep.result(jid)`: plain JSON of at most 64 kB",
        Check(_is_seconds_or_false, f"{_SECONDS}, from its end, or false"),
    ),
    "timeout": Option(
        Seconds,
        "seconds or timedelta",
        "",
        "how long one run may take; then it ends with `JobTimeout`, an ordinary failure",
        _IN_SECONDS,
    ),
    "max_iteration_runtime": Option(
        Seconds,
        "seconds or timedelta",
        "`Config`'s",
        "after this time an iterable job lets others have their turn",
        _IN_SECONDS,
    ),
    "transactional": Option(
        bool | None,
        "bool",
        "`True`",
        "`False`: pushed at once, also inside a database transaction",
        Check(_is_bool, _BOOL),
    ),
    "encrypt": Option(bool | None, "bool", "`False`", "encrypts the last argument", Check(_is_bool, _BOOL)),
    "limit": Option(
        Limit | Sequence[Limit] | None,
        "a limit of `teep.limits`, or several",
        "",
        "asked before the run; while one is reached the job waits in the scheduled set, and no attempt is used",
        None,
        is_code=True,
    ),
    "log_level": Option(
        str | None,
        '`"debug"`, `"info"`, `"warn"`, `"error"` or `"fatal"`',
        "the process's",
        "the least level that is logged while it runs",
        Check(lambda value: log_level(value) is not None, f"one of {', '.join(LOG_LEVELS)}"),
    ),
    "convert": Option(
        bool,
        "bool",
        "`False`",
        "arguments go by their annotations: a datetime, a UUID, a dataclass and the like travel as plain JSON, and"
        " the job gets the value",
        None,
        is_code=True,
    ),
    "name": Option(str | None, "a string", "the dotted path", "the job's `class` on the wire", None, is_code=True),
    "extra": Option(
        Mapping[str, Any] | None,
        "dict of plain JSON",
        "",
        "fields of your own, which go into the payload each under its name",
        None,
    ),
}

# The checks of those that are a field of the payload, for every push.
CHECKS: Mapping[str, Check] = {name: option.check for name, option in OPTIONS.items() if option.check is not None}
# Those that stay with the code of one job.
CODE = frozenset(name for name, option in OPTIONS.items() if option.is_code)
# Those that may be given as a timedelta, and travel as seconds.
SECONDS = frozenset(name for name in CHECKS if timedelta in get_args(OPTIONS[name].type))
# Fields of a payload that teep and Sidekiq set themselves, so that no option and no field of an author's may be one.
RESERVED = frozenset(
    {
        "class", "args", "kwargs", "jid", "bid", "at", "created_at", "enqueued_at", "expiry", "failed_at",
        "retried_at", "discarded_at", "retry_count", "error_class", "error_message", "error_backtrace", "rescues",
        "overrated", "unique_lock", "callback_of", "bix", "node", "node_always",
    }
)  # fmt: skip


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
