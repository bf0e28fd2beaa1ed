"""Every error that teep raises of its own, in one tree, and its one warning.

1. `TeepError` is the root: catching it catches all of them, but those of 4.
2. What the caller did wrong is also a `TypeError`, `ValueError` or `RuntimeError`, for callers who know only Python.
3. What Redis did is a `RedisError`; its subclasses say whether the command can have been carried out.
4. `Shutdown` and `JobCancelled` end a job that runs. They are `BaseException`s, which no `except Exception` holds up.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class TeepError(Exception):
    """The root of teep's errors.

    Where a bulk push failed half-way, `pushed` has the jids of its jobs that were pushed before.
    """

    pushed: Sequence[str | None] = ()


class ConfigurationError(TeepError, ValueError):
    """The configuration cannot work; the message says what to change.

    Where several settings were checked, `problems` has a sentence for each that does not fit.
    """

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


class ModuleImportError(ConfigurationError):
    """A module of jobs raised while it was imported; `__cause__` is that error."""

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(f"{module} cannot be imported: {type(error).__name__}: {error}")


class DecryptionError(TeepError, ValueError):
    """A job's encrypted argument cannot be read here; the message shows nothing of it."""


class EmbeddedServerError(TeepError):
    """The embedded server could not be started; the message ends with the last lines of its log."""


class EmptyQueue(TeepError, LookupError):
    """A test wants to run a job, and none was collected."""


class InvalidArguments(TeepError, TypeError):
    """A job's arguments do not fit its signature, or are not plain JSON; the message names the place."""


class InvalidJob(TeepError, ValueError):
    """A payload, or an option of a job, is not what Sidekiq's format allows, or an argument cannot be what it is."""


class InvalidValue(InvalidJob):
    """An argument of one of teep's functions is none that it takes, such as an age below 0; the message names it.

    An `InvalidJob`, as `InvalidType` is, for programs that catch that.
    """


class InvalidType(InvalidJob, TypeError):
    """An argument is of the wrong type, such as a time that is no number; the message names it."""


class UnknownCondition(InvalidType):
    """A selection was asked for by a condition that there is not; the message names the one that was meant."""


class InvalidPage(TeepError, ValueError):
    """A page of no jobs, or of less than none, was asked for."""


class NoDeployLabel(TeepError, ValueError):
    """A deploy was marked without a label, and git could not tell one."""


class NotAsync(TeepError, TypeError):
    """A call that blocks was awaited: nothing was done, and the message names what to await."""


class NotHere(TeepError, RuntimeError):
    """A call cannot be made where, or when, it is made, such as one that runs an async job inside an event loop."""


class EmbeddedProcess(TeepError, RuntimeError):
    """A worker that is embedded in another program is not to be quieted or stopped from outside."""


class JobKilled(TeepError, RuntimeError):
    """What death handlers get for a job that was killed through the data API; it is not raised."""


class MalformedPayload(TeepError, ValueError):
    """Bytes found in Redis are not a job: not JSON, or not an object with `class` and `args`."""


class UnknownJob(TeepError, LookupError):
    """A payload's `class` is not registered in this process; import the module that defines it."""


class PoisonJob(TeepError):
    """A job that keeps killing the processes that run it; it lies in the dead set. Sidekiq Pro's poison pill."""


class Shutdown(BaseException):
    """Raised inside a job that still runs when the process must go; its job is already back in its queue.

    A `BaseException`, as Sidekiq's is an Interrupt: no `except Exception` of a job should hold it up.
    """


class JobTimeout(TeepError):
    """Raised inside a job that runs longer than its `timeout`; an ordinary failure, retried like any other.

    No `TimeoutError`: that is an `OSError`, which code about sockets and files catches for reasons of its own.
    """


class JobCancelled(BaseException):
    """Raised inside a job that was cancelled and still runs; the job is not run again.

    A `BaseException`, as `Shutdown`: no `except Exception` of a job should hold it up.
    """


class RedisError(TeepError):
    """Redis did not do what was asked."""


class RedisUnavailable(RedisError):
    """No answer: the connection failed or timed out.

    A command that was on its way may or may not have been carried out; commands for which that is harmless
    were already tried again before this is raised.
    """


class RedisMisconfigured(RedisUnavailable):
    """There is no connection, and waiting does not help: the URL's host has no address, or TLS fails."""


class NotPushed(RedisError):
    """A database transaction has committed, and the jobs that were pushed in it could not be sent to Redis.

    `items` has them as `Client.push` takes them; nothing else does. One of them is in its queue all the same where
    its answer was lost every time.
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
    """Redis refused to take some jobs where they were to go; they are where they were.

    `moved` is how many others went.
    """

    def __init__(self, message: str, moved: int) -> None:
        super().__init__(message)
        self.moved = moved


class RedisDenied(RedisCommandError):
    """Redis does not carry out the command for this user: its ACL forbids it, or the server has no such command."""


class RedisTimedOut(RedisUnavailable):
    """Redis did not answer in time."""


class Unhealthy(TeepError):
    """A worker process stood still, or was without Redis, for longer than its configuration allows; it has ended."""


class BlockingPush(RuntimeWarning):
    """A push from a thread in which an event loop runs: no task goes on there until Redis has answered."""
