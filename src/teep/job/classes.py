"""The class form of a job."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from teep.errors import InvalidJob
from teep.job.context import JobContext, current_job
from teep.job.definition import Definition, dotted_name, register
from teep.job.options import Options
from teep.job.verbs import AsyncVerbs, Times, Verbs


class Job:
    """A job as a class: `perform` is what runs, options are class keywords, and subclasses inherit them.

    A fresh instance is made for every run. A class without `perform` is a base for others and no job itself.
    """

    _options: ClassVar[dict[str, Any]] = {}
    _verbs: ClassVar[Verbs[...] | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__()
        cls._options = cls._options | options
        cls._verbs = None
        perform = getattr(cls, "perform", None)
        if perform is not None:
            name = options.get("name") or dotted_name(cls)
            definition = Definition(name, Options.parse(name, cls._options), perform, instance_of=cls)
            register(definition)
            cls._verbs = Verbs(definition)

    @property
    def jid(self) -> str | None:
        """The jid of the run that this instance was made for, or None outside of one."""
        context = self.context
        return None if context is None else context.jid

    @property
    def context(self) -> JobContext | None:
        """What the running job knows of itself."""
        return current_job()

    @classmethod
    def perform_async(cls, *args: Any, **kwargs: Any) -> str | None:
        """See `Verbs.perform_async`; so for the other verbs."""
        return cls.set().perform_async(*args, **kwargs)

    @classmethod
    def perform_in(cls, interval: float | timedelta, /, *args: Any, **kwargs: Any) -> str | None:
        return cls.set().perform_in(interval, *args, **kwargs)

    @classmethod
    def perform_at(cls, at: datetime | float, /, *args: Any, **kwargs: Any) -> str | None:
        return cls.set().perform_at(at, *args, **kwargs)

    @classmethod
    def perform_bulk(
        cls,
        args: Iterable[Sequence[Any]],
        *,
        at: Times | None = None,
        batch_size: int | None = None,
        spread_interval: float | None = None,
    ) -> list[str | None]:
        return cls.set().perform_bulk(args, at=at, batch_size=batch_size, spread_interval=spread_interval)

    @classmethod
    def perform_inline(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.set().perform_inline(*args, **kwargs)

    perform_sync = perform_inline

    @classmethod
    def set(cls, **options: Any) -> Verbs[...]:
        """Return the job with other options for these pushes."""
        if cls._verbs is None:
            raise InvalidJob(f"{cls.__qualname__} has no perform method, so it is no job")
        return cls._verbs.set(**options) if options else cls._verbs

    aio: ClassVar["_Aio"]


class _Aio:
    """`SomeJob.aio`: the verbs, awaited."""

    def __get__(self, instance: Job | None, owner: type[Job]) -> AsyncVerbs[...]:
        return owner.set().aio


Job.aio = _Aio()
