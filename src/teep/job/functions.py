"""The decorator form of a job."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from teep.job.definition import Definition, register
from teep.job.naming import dotted_name
from teep.job.options import JobOptions, Options
from teep.job.targets import function_of
from teep.job.verbs import Verbs

P = ParamSpec("P")
R = TypeVar("R")


class JobFunction(Verbs[P], Generic[P, R]):
    """A function that is a job: calling it runs the plain function, its verbs push it."""

    def __init__(self, function: Callable[P, R], definition: Definition) -> None:
        super().__init__(definition)
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<teep job {self._definition.name}>"


@overload
def job(function: Callable[P, R], /) -> JobFunction[P, R]: ...
@overload
def job(**options: Unpack[JobOptions]) -> Callable[[Callable[P, R]], JobFunction[P, R]]: ...
@overload
def job(**options: Any) -> Callable[[Callable[P, R]], JobFunction[P, R]]: ...
def job(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a `def` or `async def` function a job.

    Args:
        name: its class on the wire; default the dotted path.
        queue: default "default".
        retry: how many retries, True for `Config.max_retries`, False for none and no dead set.
        retry_for: seconds (or a timedelta) since the first failure within which it is retried, instead of a count.
        retry_queue: the queue for retries.
        retry_in: callable(count, exception, payload) giving seconds (or a timedelta), "kill", "discard" or None.
        retries_exhausted: callable(payload, exception), called when no retry is left; may return "discard".
        dead: False keeps an exhausted job out of the dead set.
        backtrace: True or a number of lines to store with a failure; default 20, without teep's own.
        tags: labels to find it by.
        expires_in: seconds (or a timedelta) since it is due, after which it is dropped instead of run.
        unique_for: seconds (or a timedelta) since it is due, during which no other is pushed that is called alike.
        unique_until: "success" or "start", when a unique job lets the next one in; at the latest after `unique_for`.
        encrypt: True to encrypt the last argument, see `teep.encryption`.
        transactional: False pushes it at once inside a database transaction, see `teep.integrations`.
        timeout: seconds (or a timedelta) that a run may take; then it ends with `JobTimeout`, an ordinary failure.
        max_iteration_runtime: seconds (or a timedelta) after which an iterable job lets others have their turn.
        log_level: the least level of what is logged while it runs, such as "debug"; default: the process's.
        Any other JSON value goes into the payload under its name.

    Raises:
        InvalidJob, InvalidArguments: an option does not fit, it is no function, or no worker could find it by its
            name, or another job has that name.
    """

    def decorate(target: Callable[P, R]) -> JobFunction[P, R]:
        function = function_of(target)
        name = options.get("name") or dotted_name(function)
        definition = Definition(name, Options.parse(name, options), function)
        register(definition)
        return JobFunction(function, definition)

    return decorate if function is None else decorate(function)
