"""The class form of a job.

Its verbs take the arguments of `perform`: to a type checker the class is a `Performs[P]`, so a call that does not
fit is an error there, and so is a verb of a class without `perform`.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, ParamSpec, Protocol, Unpack, cast

from teep.config.job_options import gathered, joined
from teep.config.sources import elsewhere
from teep.errors import InvalidJob
from teep.job.calls.signatures import signature_of
from teep.job.context import JobContext, current_job
from teep.job.definition import Definition, register
from teep.job.naming import dotted_name
from teep.job.options import JobOptions, Options, SetOptions
from teep.job.pushing.signature import Signature
from teep.job.pushing.verbs import AsyncVerbs, Times, Verbs

P = ParamSpec("P")


class Performs(Protocol[P]):
    """A job class as its verbs see it."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...


class _Aio:
    """`SomeJob.aio`: the verbs, awaited."""

    def __get__(self, instance: object, owner: type[Performs[P]]) -> AsyncVerbs[P]:
        try:
            return verbs_of(owner).aio
        except InvalidJob as error:  # a base for jobs, which help() asks, too
            raise AttributeError(str(error)) from error


class Job:
    """A job as a class: its `perform` is run, options are class keywords, and subclasses inherit them.

    If a class and its bases set the same option, the nearest wins whole: `tags` are not added up. The name is not
    inherited.

    A fresh instance is made for every run, without arguments. A class without `perform`, or with abstract methods, is
    a base for others and no job itself. See `IterableJob` for jobs that go through many items.
    """

    _own_options: ClassVar[dict[str, Any]] = {}
    _definition: ClassVar[Definition | None] = None
    _verbs: ClassVar[Verbs[...] | None] = None
    _run_by: ClassVar[str] = "perform"
    _runner: ClassVar[Callable[..., Any] | None] = None

    def __init_subclass__(cls, **options: Unpack[JobOptions]) -> None:
        super().__init_subclass__()
        # A class with slots is made twice by dataclasses and attrs, the second time from a copy of its attributes.
        own: dict[str, Any] = dict(options) or vars(cls).get("_own_options", {})
        copied: Definition | None = vars(cls).get("_definition")
        cls._definition = cls._verbs = None
        function = None if _is_abstract(cls) else getattr(cls, cls._run_by, None)
        name = own.get("name") or (cls.__qualname__ if function is None else dotted_name(cls))
        cls._own_options = gathered(name, own)
        parsed = Options.parse(name, joined(cls._own_options, _inherited(cls)))
        if function is not None:
            _check(cls, name)
            cls._definition = Definition(name, parsed, function, cls, cls._runner)
            register(cls._definition, instead_of=copied)

    @property
    def jid(self) -> str | None:
        """The jid of the run that this instance was made for, or None outside of one."""
        context = self.context
        return None if context is None else context.jid

    @property
    def context(self) -> JobContext | None:
        """The context of the running job: its jid, queue, attempt and more."""
        return current_job()

    @classmethod
    def perform_async(cls: type[Performs[P]], *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push the job; see `Verbs.perform_async`, and there for the other verbs."""
        return verbs_of(cls).perform_async(*args, **kwargs)

    @classmethod
    def perform_in(
        cls: type[Performs[P]], interval: float | timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> str | None:
        return verbs_of(cls).perform_in(interval, *args, **kwargs)

    @classmethod
    def perform_at(cls: type[Performs[P]], at: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        return verbs_of(cls).perform_at(at, *args, **kwargs)

    @classmethod
    def perform_bulk(
        cls,
        args: Iterable[Sequence[Any]],
        *,
        at: Times | None = None,
        batch_size: int | None = None,
        spread_interval: float | None = None,
    ) -> list[str | None]:
        return verbs_of(cls).perform_bulk(args, at=at, batch_size=batch_size, spread_interval=spread_interval)

    @classmethod
    def perform_inline(cls: type[Performs[P]], *args: P.args, **kwargs: P.kwargs) -> Any:
        return verbs_of(cls).perform_inline(*args, **kwargs)

    perform_sync = perform_inline

    @classmethod
    def s(cls: type[Performs[P]], *args: P.args, **kwargs: P.kwargs) -> Signature:
        """Return the job with its arguments as a value; see `Verbs.s`."""
        return verbs_of(cls).s(*args, **kwargs)

    @classmethod
    def set(cls: type[Performs[P]], **options: Unpack[SetOptions]) -> Verbs[P]:
        """Return the job with other options for these pushes."""
        verbs = verbs_of(cls)
        return verbs.set(**options) if options else verbs

    @classmethod
    def to_payload(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of a call, as `Client.push` takes it."""
        return verbs_of(cls).to_payload(args, kwargs)

    aio: ClassVar[_Aio] = _Aio()


class _Foreign:
    """A verb of another job system, which a job class does not have; the error says which of teep's to use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        # A base behind `Job` may have the attribute, and would be asked if this one were not there.
        behind = owner.__mro__[owner.__mro__.index(Job) + 1 :]
        if any(self._name in vars(base) for base in behind):
            return getattr(super(Job, cast("Job", owner if instance is None else instance)), self._name)
        message = elsewhere.no_attribute(f"job class {owner.__name__!r}", self._name)
        raise AttributeError(message, name=self._name, obj=owner if instance is None else instance)


for _name in elsewhere.VERBS:
    setattr(Job, _name, _Foreign(_name))


def _inherited(job: type[Job]) -> dict[str, Any]:
    """Return the options of a class's bases; if several set one, the nearest wins, as with attributes."""
    options: dict[str, Any] = {}
    for base in reversed(job.__mro__[1:]):
        options = joined(vars(base).get("_own_options", {}), options)
    return {name: value for name, value in options.items() if name != "name"}


def _is_abstract(job: type[Job]) -> bool:
    """Whether a class has abstract methods; abc itself knows that only when the class is done."""
    marked = {name for base in job.__mro__ for name, value in vars(base).items() if _is_marked(value)}
    return any(_is_marked(getattr(job, name, None)) for name in marked)


def _is_marked(value: Any) -> bool:
    return getattr(value, "__isabstractmethod__", False) is True


def _check(job: type[Job], name: str) -> None:
    """Refuse a class that could not run.

    Raises:
        InvalidJob: with how to write it.
    """
    method = inspect.getattr_static(job, job._run_by)  # noqa: SLF001 - its own kind
    if not callable(getattr(job, job._run_by)) or isinstance(method, (staticmethod, classmethod)):  # noqa: SLF001
        raise InvalidJob(
            f"{job._run_by} of {name} must be a plain method, def {job._run_by}(self, …), not {type(method).__name__}"  # noqa: SLF001
        )
    _check_init(job, name)


def _check_init(job: type[Job], name: str) -> None:
    try:
        signature = signature_of(job)
    except ValueError:  # some that are written in C have none
        return
    try:
        signature.bind()
    except TypeError as error:
        raise InvalidJob(
            f"{name} cannot be made without arguments ({error}), and a fresh instance is made for each run; take what"
            f" a run needs as arguments of {job._run_by}"  # noqa: SLF001 - its own kind
        ) from error


def verbs_of(job: type[Job] | type[Performs[P]]) -> Verbs[P]:
    """Return the verbs of a job class.

    Raises:
        InvalidJob: it has no `perform` (an iterable one: no `each_iteration`), so it is no job.
    """
    verbs = getattr(job, "_verbs", None)
    return cast("Verbs[P]", _first_verbs(job) if verbs is None else verbs)


def name_of(job: Verbs[...] | type[Job]) -> str:
    """Return a job's name on the wire."""
    return (verbs_of(job) if isinstance(job, type) else job).definition.name


def _first_verbs(job: Any) -> Verbs[...]:
    definition: Definition | None = getattr(job, "_definition", None)
    if definition is None:
        run_by = getattr(job, "_run_by", "perform")
        raise InvalidJob(f"{job.__qualname__} {_lacks(job, run_by)}, so it is no job")
    _check_init(job, definition.name)  # a decorator such as dataclass has made it since
    job._verbs = Verbs(definition)  # noqa: SLF001 - its own kind
    return cast("Verbs[...]", job._verbs)  # noqa: SLF001


def _lacks(job: Any, run_by: str) -> str:
    return "has abstract methods" if hasattr(job, run_by) else f"has no {run_by} method"
