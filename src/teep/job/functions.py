"""The decorator form of a job."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from teep.job.definition import Definition, register
from teep.job.naming import dotted_name
from teep.job.options import JobOptions, Options
from teep.job.pushing.verbs import Verbs
from teep.job.targets import function_of

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

    def __reduce__(self) -> str:
        """Pickle it by its name, as functions are, so that `pool.map(welcome.perform_async, …)` works."""
        name: str = vars(self)["__qualname__"]
        return name

    def __repr__(self) -> str:
        return f"<teep job {self._definition.name}>"


@overload
def job(function: Callable[P, R], /) -> JobFunction[P, R]: ...
@overload
def job(**options: Unpack[JobOptions]) -> Callable[[Callable[P, R]], JobFunction[P, R]]: ...
def job(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a `def` or `async def` function a job.

    Args:
        queue (a name): where the job goes; default `"default"`.
        retry (bool, or how many times): `True`: `Config(max_retries=25)` retries; `0`: none, then the dead set;
            `False`: none, and no dead set either; default `True`.
        retry_for (seconds or timedelta): retries go on for this long after the first failure; replaces the number of
            retries.
        retry_in (callable(count, exception, payload)): returns seconds or a timedelta until the next try (some jitter
            is added), `"kill"` for the dead set now, `"discard"` to drop the job, or `None` for the usual delay;
            `count` is 0 after the first failure.
        retries_exhausted (callable(payload, exception)): called when no retry is left; `"discard"` keeps the job out
            of the dead set; death handlers are called all the same.
        retry_queue (a name): where retries go; default its queue.
        dead (bool): `False` keeps a job without retries out of the dead set; default `True`.
        backtrace (bool, or how many lines): how much of the backtrace is stored with a failure, for the data API and
            Sidekiq's Web UI; default 20.
        tags (list of strings): to find jobs by, in logs and with `where(tag=…)`.
        expires_in (seconds or timedelta): a job that has not started this long after it was due is dropped.
        unique_for (seconds or timedelta, or `False`): for this long after the job is due, pushing an identical job
            does nothing.
        unique_until (`"success"` or `"start"`): when a unique job lets the next one in; after `unique_for` at the
            latest; default `"success"`.
        keep_result (seconds or timedelta, or `False`): for this long after its end, what it returned is kept for
            `teep.result(jid)`: plain JSON of at most 64 kB.
        timeout (seconds or timedelta): how long one run may take; then it ends with `JobTimeout`, an ordinary
            failure.
        max_iteration_runtime (seconds or timedelta): after this time an iterable job lets others have their turn;
            default `Config`'s.
        transactional (bool): `False`: pushed at once, also inside a database transaction; default `True`.
        encrypt (bool): encrypts the last argument; default `False`.
        limit (a limit of `teep.limits`, or several): asked before the run; while one is reached the job waits in the
            scheduled set, and no attempt is used.
        log_level (`"debug"`, `"info"`, `"warn"`, `"error"` or `"fatal"`): the least level that is logged while it
            runs; default the process's.
        convert (bool): arguments go by their annotations: a datetime, a UUID, a dataclass and the like travel as
            plain JSON, and the job gets the value; default `False`.
        name (a string): the job's `class` on the wire; default the dotted path.
        extra (dict of plain JSON): fields of your own, which go into the payload each under its name.

    Raises:
        InvalidJob, InvalidArguments: an option does not fit, it is no function, no worker could find it by its name,
            or another job has that name.
    """

    def decorate(target: Callable[P, R]) -> JobFunction[P, R]:
        function = function_of(target)
        name = options.get("name") or dotted_name(function)
        definition = Definition(name, Options.parse(name, options), function)
        register(definition)
        return JobFunction(function, definition)

    return decorate if function is None else decorate(function)
