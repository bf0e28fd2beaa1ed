"""Jobs that go through many items and can stop after any of them: Sidekiq's IterableJob.

To a type checker such a class is an `Iterates[P]`: its verbs take the arguments of `each_iteration` after the item.
"""

import inspect
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, ParamSpec, Protocol, Unpack, cast

from teep.errors import InvalidJob
from teep.job.classes import Job, Performs, verbs_of
from teep.job.injection.needs import needs_of
from teep.job.iterable import enumerators
from teep.job.iterable.iteration import Aborted, Iteration, Steps
from teep.job.options import JobOptions, SetOptions
from teep.job.pushing.signature import Signature
from teep.job.pushing.verbs import AsyncVerbs, Verbs

P = ParamSpec("P")

_CALLBACKS = ("around_iteration", "on_start", "on_resume", "on_stop", "on_cancel", "on_complete")


class Iterates(Protocol[P]):
    """An iterable job's class as its verbs see it."""

    def each_iteration(self, item: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any: ...


class _Aio:
    """`SomeJob.aio`: the verbs, awaited."""

    def __get__(self, instance: object, owner: type[Iterates[P]]) -> AsyncVerbs[P]:
        try:
            return _verbs_of(owner).aio
        except InvalidJob as error:  # a base for jobs, which help() asks, too
            raise AttributeError(str(error)) from error


def _run(job: "IterableJob", *args: Any, **kwargs: Any) -> Coroutine[Any, Any, None] | None:
    """Run a job on its fresh instance."""
    tells_its_start = type(job).on_start is not IterableJob.on_start
    job._iteration = Iteration(  # noqa: SLF001 - its own module
        cast("Steps", job), args, kwargs, tells_its_start=tells_its_start
    )
    del args, kwargs  # an encrypted argument may be among them, which no frame of teep's should show
    return job._iteration.run()  # noqa: SLF001 - as above


class IterableJob(Job):
    """A job that goes through items one by one, keeps its place in Redis, and goes on there after any interruption.

    A subclass has two methods in place of `perform`:

    1. `build_enumerator(self, *args, cursor)` returns an iterable of pairs, an item and its cursor, beginning with
       the item of `cursor` (None: the first). A cursor is plain JSON. Several helpers here make one. None: there is
       nothing to do.
    2. `each_iteration(self, item, *args)` does the work for one item. If it is `async def`, the others may be, too,
       and the pairs may come from an asynchronous iterable.

    `args` are those of the push. The job stops between two items when its worker stops or becomes quiet, or when it
    has run for `max_iteration_runtime` (seconds; an option, or of `Config`). It then returns to the end of its queue,
    with no attempt counted. It saves its cursor then, at a failure, and every 5 seconds. After a crash it goes on
    from there: some items may be done twice, none is left out.

    Costs one round trip every 5 seconds, and one more in each run but the first; the first has one, too, with an
    `on_start` or `expires_in`. The rest travels with the commands that acknowledge and reserve jobs.

    Sidekiq's IterableJob; a job may go on in Ruby and back.
    """

    _run_by = "each_iteration"
    _runner = _run
    _iteration: Iteration | None = None

    def __init_subclass__(cls, **options: Unpack[JobOptions]) -> None:
        _check(cls)
        super().__init_subclass__(**options)

    def on_start(self) -> Any:
        """Called before the first item, at the first run only, and again if it failed."""

    def on_resume(self) -> Any:
        """Called before the first item of each later run."""

    def around_iteration(self) -> AbstractContextManager[Any] | AbstractAsyncContextManager[Any] | None:
        """Return a context manager to wrap each call of `each_iteration` in; write it with `@contextmanager`."""

    def on_stop(self) -> Any:
        """Called at the end of each run, for whatever reason it ends, but not after a failure."""

    def on_cancel(self) -> Any:
        """Called if the job was cancelled; `on_stop` and `on_complete` follow."""

    def on_complete(self) -> Any:
        """Called when the job is over: all items are done, or `cancelled` says that they need not be."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments of the push."""
        return () if self._iteration is None else self._iteration.args

    @property
    def cursor(self) -> Any:
        """The cursor of the current item; before the first, where the job goes on, None at the very start."""
        return None if self._iteration is None else self._iteration.cursor

    @property
    def current_object(self) -> Any:
        """The current item."""
        return None if self._iteration is None else self._iteration.item

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled, here or elsewhere. Costs nothing."""
        return self._iteration is not None and self._iteration.is_cancelled

    def cancel(self) -> None:
        """Cancel the job from inside of it: the current item is the last. From elsewhere: `Client.cancel`."""
        if self._iteration is not None:
            self._iteration.cancel()

    def abort(self) -> NoReturn:
        """End the job in the middle of an item, as complete. Sidekiq's throw :abort."""
        raise Aborted

    array_enumerator = staticmethod(enumerators.array_enumerator)
    array_batches_enumerator = staticmethod(enumerators.array_batches_enumerator)
    iterable_enumerator = staticmethod(enumerators.iterable_enumerator)
    async_enumerator = staticmethod(enumerators.async_enumerator)
    csv_enumerator = staticmethod(enumerators.csv_enumerator)
    csv_batches_enumerator = staticmethod(enumerators.csv_batches_enumerator)
    records_enumerator = staticmethod(enumerators.records_enumerator)

    # The verbs, as type checkers see them: they take the arguments of `each_iteration` after the item.

    @classmethod
    def perform_async(cls: type[Iterates[P]], *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push the job; see `Verbs.perform_async`, and there for the other verbs."""
        return _verbs_of(cls).perform_async(*args, **kwargs)

    @classmethod
    def perform_in(
        cls: type[Iterates[P]], interval: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        return _verbs_of(cls).perform_in(interval, *args, **kwargs)

    @classmethod
    def perform_at(cls: type[Iterates[P]], at: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        return _verbs_of(cls).perform_at(at, *args, **kwargs)

    @classmethod
    def perform_inline(cls: type[Iterates[P]], *args: P.args, **kwargs: P.kwargs) -> None:
        _verbs_of(cls).perform_inline(*args, **kwargs)

    perform_sync = perform_inline

    @classmethod
    def s(cls: type[Iterates[P]], *args: P.args, **kwargs: P.kwargs) -> Signature:
        """Return the job with its arguments as a value; see `Verbs.s`."""
        return _verbs_of(cls).s(*args, **kwargs)

    @classmethod
    def set(cls: type[Iterates[P]], **options: Unpack[SetOptions]) -> Verbs[P]:
        """Return the job with other options for these pushes."""
        return _verbs_of(cls).set(**options)

    # Nobody assigns to it, which alone could go wrong.
    aio: ClassVar[_Aio] = _Aio()  # pyright: ignore[reportIncompatibleVariableOverride]


def _verbs_of(job: type[Iterates[P]]) -> Verbs[P]:
    return verbs_of(cast("type[Performs[P]]", job))


def _check(job: type[IterableJob]) -> None:
    """Refuse a class whose parts do not fit together."""
    if hasattr(job, "perform"):
        raise InvalidJob(f"{job.__qualname__} is an iterable job, so it has each_iteration and must not have perform")
    each = getattr(job, "each_iteration", None)
    if each is None:
        return
    build = getattr(job, "build_enumerator", None)
    if build is None:
        raise InvalidJob(f"{job.__qualname__} has each_iteration, so it must have build_enumerator, too")
    _check_needs(job, each, build)
    if inspect.iscoroutinefunction(each):
        return
    for name in ("build_enumerator", *_CALLBACKS):
        if _waits(getattr(job, name)):
            raise InvalidJob(f"{name} of {job.__qualname__} is async def, so its each_iteration must be, too")


def _check_needs(job: type[IterableJob], each: Any, build: Any) -> None:
    """Refuse injected arguments that only one of the two takes: both are called with the same."""
    names = [f"{method.__name__} of {job.__qualname__}" for method in (each, build)]
    needs, others = (needs_of(method, name) for method, name in zip((each, build), names, strict=True))
    if needs != others:
        first, second = ", ".join(needs) or "none", ", ".join(others) or "none"
        raise InvalidJob(
            f"each_iteration and build_enumerator of {job.__qualname__} must have the same injected arguments, not"
            f" {first} and {second}"
        )


def _waits(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
