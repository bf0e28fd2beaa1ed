"""All of teep's own errors, in one tree, and its one warning.

1. `TeepError` is the root: catching it catches all of them, except those of 4.
2. A mistake of the caller is also a `TypeError`, `ValueError` or `RuntimeError`, for code that knows only Python's.
3. A failure of Redis is a `RedisError`; its subclasses say whether the command can have been carried out.
4. `Shutdown` and `JobCancelled` end a running job. They are `BaseException`s, which no `except Exception` stops.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any


class TeepError(Exception):
    """The root of teep's errors.

    If a bulk push failed half-way, `pushed` has the jids of its jobs that were pushed before.
    """

    pushed: Sequence[str | None] = ()


class ConfigurationError(TeepError, ValueError):
    """The configuration cannot work; the message says what to change.

    If several settings were checked, `problems` has a sentence for each wrong one.
    """

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


class RedisNotConfigured(ConfigurationError):
    """No Redis is configured, and the embedded server is not installed, or not for this environment."""


class ModuleImportError(ConfigurationError):
    """A module of jobs raised while it was imported; `__cause__` is that error."""

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(f"{module} cannot be imported: {type(error).__name__}: {error}")


class DecryptionError(TeepError, ValueError):
    """A job's encrypted argument cannot be read here; the message shows nothing of it."""


class EmbeddedServerError(TeepError):
    """The embedded server could not be started; the message ends with the last lines of its log."""


class EmptyQueue(TeepError, LookupError):
    """A test asked to run a job, but none was collected."""


class InvalidArguments(TeepError, TypeError):
    """A job's arguments do not fit its signature, or are not plain JSON; the message names the place."""


class InvalidJob(TeepError, ValueError):
    """A payload or an option of a job does not fit Sidekiq's format, or an argument has an impossible value."""


class InvalidValue(InvalidJob):
    """An argument of one of teep's functions has a wrong value, such as an age below 0; the message names it.

    An `InvalidJob`, as `InvalidType` is, for programs that catch that.
    """


class InvalidType(InvalidJob, TypeError):
    """An argument is of the wrong type, such as a time that is no number; the message names it."""


class UnknownCondition(InvalidType):
    """A selection has a condition that does not exist; the message names the nearest one."""


class InvalidSchedule(InvalidJob):
    """A periodic job that cannot be: its schedule never fires or cannot be read, or there is no such time zone."""


class UnknownEntry(TeepError, LookupError):
    """There is no periodic job of this name."""


class BatchClosed(TeepError, RuntimeError):
    """A batch takes no more jobs: it has finished, or is not known any more. None of the block's jobs was pushed."""


class InvalidPage(TeepError, ValueError):
    """A page was asked for with a size below 1."""


class NoDeployLabel(TeepError, ValueError):
    """A deploy was marked without a label, and git could not give one."""


class NotAsync(TeepError, TypeError):
    """A call that blocks was awaited. Nothing was done; the message names the call to await."""


class NotHere(TeepError, RuntimeError):
    """A call is not possible at this place or time, such as running an async job inside an event loop."""


class EmbeddedProcess(TeepError, RuntimeError):
    """A worker that is embedded in another program cannot be quieted or stopped from outside."""


class JobKilled(TeepError, RuntimeError):
    """The error that death handlers get for a job that was killed through the data API; it is never raised."""


class MalformedPayload(TeepError, ValueError):
    """Bytes found in Redis are not a job: not JSON, or not an object with `class` and `args`."""


class UnknownJob(TeepError, LookupError):
    """A payload's `class` is not registered in this process; import the module that defines it."""


class OverLimit(TeepError):
    """A limit is reached. Inside a job: the job comes again later, and no attempt is used.

    Raise it from anywhere in a job that is told to wait, as by a status 429.

    Args:
        retry_after: seconds until the job comes again; None: later each time, some minutes at first.
        limiter: the name of the limit.
        reschedule: how often a job comes again for this reason; then it is an ordinary failure.

    Raises:
        InvalidType, InvalidValue: `retry_after` is no number of seconds, such as a header that is still a string.
    """

    def __init__(self, retry_after: float | None = None, *, limiter: str = "", reschedule: int = 20) -> None:
        if type(reschedule) is not int:
            raise InvalidType(f"reschedule of OverLimit must be a whole number, not {reschedule!r}")
        if retry_after is not None:
            if isinstance(retry_after, bool) or not isinstance(retry_after, (int, float)):
                raise InvalidType(f"retry_after of OverLimit must be seconds, not {retry_after!r}")
            if not 0 <= retry_after <= 1_000_000_000:
                raise InvalidValue(f"retry_after of OverLimit must be from 0 to 1000000000 s, not {retry_after!r}")
        after = "" if retry_after is None else f"; try again in {retry_after:.3g} s"
        super().__init__(f"over the limit{' ' * bool(limiter)}{limiter}{after}")
        self.retry_after = retry_after
        self.limiter = limiter
        self.reschedule = reschedule

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, as out of a pool: its message is none of its arguments."""
        make = partial(type(self), self.retry_after, limiter=self.limiter, reschedule=self.reschedule)
        return make, (), self.__dict__


class Retry(TeepError):
    """Raised by a job to be retried: an attempt is used, as by a failure. Celery's `Retry`.

    With a cause (`raise teep.Retry(60) from error`), that is the failure: it is stored, logged and reported. Without
    one, error handlers do not hear of it as long as a try is left.

    Args:
        delay: seconds (or a timedelta) until the next try, to which the usual jitter is added; None: the usual delay.
        message: why, for the log and the data API.

    Raises:
        InvalidType, InvalidValue: `delay` is no number of seconds.
    """

    seconds: float | None = None  # also of a subclass with an __init__ that does not call this one
    _made_of: tuple[Any, ...] = ()

    def __init__(self, delay: float | timedelta | None = None, message: str = "") -> None:
        self.seconds = None if delay is None else _delay("Retry", delay)
        super().__init__(message or "the job asked for another try")
        self._made_of = delay, message

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, as out of a pool: its message is none of its arguments."""
        return type(self), self._made_of, self.__dict__


class Snooze(TeepError):
    """Raised by a job to come again later: no attempt is used, and nothing has failed. Oban's snooze.

    Args:
        delay: seconds (or a timedelta) until it comes again.

    Raises:
        InvalidType, InvalidValue: `delay` is no number of seconds.
    """

    seconds: float = 60.0  # as above

    def __init__(self, delay: float | timedelta) -> None:
        self.seconds = _delay("Snooze", delay)
        super().__init__(f"the job comes again in {self.seconds:.3g} s")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, as `Retry` does."""
        return type(self), (self.seconds,), self.__dict__


def _delay(owner: str, given: Any) -> float:
    if isinstance(given, timedelta):
        given = given.total_seconds()
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise InvalidType(f"the delay of {owner} must be seconds or a timedelta, not {given!r:.200}")
    if not 0 <= given <= 1_000_000_000:
        raise InvalidValue(f"the delay of {owner} must be from 0 to 1000000000 s, not {given!r:.200}")
    return float(given)


class ResultError(TeepError):
    """`teep.result(jid).get()` has no value to return; its subclasses say why."""


class JobFailed(ResultError):
    """The job has ended without a result: it failed for good, or was not run to its end.

    `status` is "dead", "discarded", "expired", "cancelled" or "deleted". `error_class`, `error_message` and
    `error_backtrace` (its lines) are those of its last run, if it failed; else None, and no lines.
    """

    def __init__(
        self,
        jid: str,
        status: str,
        error_class: str | None = None,
        error_message: str | None = None,
        error_backtrace: Sequence[str] = (),
    ) -> None:
        error = f": {error_class}: {error_message}" if error_class else ""
        super().__init__(f"the job {jid} {_ENDED.get(status, status)}{error}")
        self.jid = jid
        self.status = status
        self.error_class = error_class
        self.error_message = error_message
        self.error_backtrace = list(error_backtrace)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, as out of a pool: its message is none of its arguments."""
        return (
            type(self),
            (self.jid, self.status, self.error_class, self.error_message, self.error_backtrace),
            self.__dict__,
        )


_ENDED = {
    "dead": "has failed, and is dead",
    "discarded": "has failed, and was discarded",
    "expired": "was too late to start, and was dropped",
    "cancelled": "was cancelled",
    "deleted": "was deleted before it ran to its end",
}


class ResultNotKept(ResultError, LookupError):
    """There is no result, nor will there be one: the job does not keep it, its time is over, or it cannot be kept."""


class ResultTimeout(ResultError, TimeoutError):
    """The job has not ended in time; the message says where it is, as does `status`."""

    def __init__(self, message: str, status: str = "unknown") -> None:
        super().__init__(message)
        self.status = status


class PoisonJob(TeepError):
    """A job that keeps killing the processes that run it; it is in the dead set. Sidekiq Pro's poison pill."""


class Shutdown(BaseException):
    """Raised inside a job that still runs when the process must end; the job is already back in its queue.

    A `BaseException`, as Sidekiq's is an Interrupt, so that no `except Exception` of a job stops it.
    """


class JobTimeout(TeepError):
    """Raised inside a job that runs longer than its `timeout`; an ordinary failure, retried like any other.

    Not a `TimeoutError`, since that is an `OSError`, which code for sockets and files catches.
    """


class JobCancelled(BaseException):
    """Raised inside a job that was cancelled and still runs; the job is not run again.

    A `BaseException`, as `Shutdown` is, so that no `except Exception` of a job stops it.
    """


class RedisError(TeepError):
    """Redis did not carry out a command."""


class RedisUnavailable(RedisError):
    """No answer: the connection failed or timed out.

    A command that was on its way may or may not have been carried out. Commands that may be repeated safely were
    already tried again before this is raised.
    """


class RedisMisconfigured(RedisUnavailable):
    """There is no connection, and waiting does not help: the URL's host has no address, or TLS fails."""


class NotPushed(RedisError):
    """A database transaction has committed, and the jobs that were pushed in it could not be sent to Redis.

    `items` has them as `Client.push` takes them; no other copy exists. A job may have been enqueued anyway if every
    answer from Redis was lost.
    """

    def __init__(self, message: str, items: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.items = items


class RedisRefused(RedisError):
    """Redis answered that it cannot do this now (read-only replica, loading, out of memory): nothing was done."""


class RedisOutOfMemory(RedisRefused):
    """Redis has reached its `maxmemory` and takes no command that needs more: nothing was done."""


class RedisCommandError(RedisError):
    """Redis answered with an error, such as a key of another type."""


class NotMoved(RedisCommandError):
    """Redis refused to move some jobs; they stay in their former place.

    `moved` is how many others were moved.
    """

    def __init__(self, message: str, moved: int) -> None:
        super().__init__(message)
        self.moved = moved


class RedisDenied(RedisCommandError):
    """Redis does not carry out the command for this user: its ACL forbids it, or the server has no such command."""


class RedisTimedOut(RedisUnavailable):
    """Redis did not answer in time."""


class Unhealthy(TeepError):
    """A worker process was stuck, or without Redis, for longer than its configuration allows; it has ended."""


class BlockingPush(RuntimeWarning):
    """A push from a thread in which an event loop runs: its tasks stand still until Redis has answered."""
