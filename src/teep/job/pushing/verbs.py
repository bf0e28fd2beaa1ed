"""The verbs that push a job: perform_async and its kin, with their asyncio twins."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, Unpack

from teep.client import AsyncClient, Client
from teep.client.payloads.template import Template
from teep.client.times import due, epoch, moment
from teep.config import Config, default_config
from teep.config.sources import elsewhere
from teep.job.definition import Definition
from teep.job.inline import run_inline, run_inline_async
from teep.job.options import SetOptions, chosen
from teep.job.pushing.signature import Signature

P = ParamSpec("P")

Times = float | datetime | Iterable[float | datetime]


class Pushable(Generic[P]):
    """A job, with options of its own for the pushes made through it; `at` is an epoch time, or counts from a push."""

    def __init__(
        self, definition: Definition, overrides: dict[str, Any] | None = None, at: float | timedelta | None = None
    ) -> None:
        self._definition = definition
        self._overrides = overrides or {}
        self._at = at

    if not TYPE_CHECKING:  # to a type checker every attribute would be there

        def __getattr__(self, name: str) -> Any:
            """Say which verb of teep's to use instead of another job system's."""
            message = elsewhere.no_attribute(f"{type(self).__name__!r} object", name)
            raise AttributeError(message, name=name, obj=self)

    @property
    def definition(self) -> Definition:
        """The job as the runtime sees it."""
        return self._definition

    def s(self, *args: P.args, **kwargs: P.kwargs) -> Signature:
        """Return the job with its arguments as a value, to be pushed by `teep.push`. Celery's `s`.

        Raises:
            InvalidArguments: the arguments do not fit the signature or are not plain JSON.
        """
        return Signature(self._definition, self._call(args, kwargs), self._at)

    def to_payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of a call, as `Client.push` takes it."""
        item = self._call(args, kwargs)
        return item if self._at is None else item | {"at": moment(self._at)}

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of a call, whenever it is due."""
        item = self._definition.to_payload(args, kwargs)
        if not self._overrides:
            return item
        # Options stand before class and arguments, in Sidekiq's order.
        return {**self._definition.options.fields, **self._overrides} | item | self._overrides

    def _template(self, config: Config, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Template | None:
        """Return the template that writes this call, or None if the call must be written by itself."""
        if kwargs or self._overrides or self._at is not None:
            return None
        template = self._definition.template(config)
        return template if template.holds and self._definition.fits(args) else None

    def _later(self, at: float, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        item = self.to_payload(args, kwargs) | {"at": at}
        if self._overrides:
            return item
        # In Sidekiq's order the class stands before the arguments here, and after them in other single pushes.
        return {**self._definition.options.fields, "class": self._definition.name, **item}

    def _bulk(self, args: Iterable[Sequence[Any]], at: Times | None, how: dict[str, Any]) -> dict[str, Any]:
        if isinstance(args, (str, bytes, Mapping)) or not isinstance(args, Iterable):
            raise self._definition.bulk_error(f"and {type(args).__qualname__} is no list of such lists")
        item = {
            **self._definition.options.fields,
            **self._overrides,
            "class": self._definition.name,
            "args": self._definition.bulk_rows(args),
            **{name: value for name, value in how.items() if value is not None},
        }
        if at is None:
            return item if self._at is None else item | {"at": moment(self._at)}
        return item | {"at": _times(at)}

    def _set(self, options: Mapping[str, Any]) -> Self:
        own, at = chosen(self._definition.name, options, self._at)
        overrides = self._overrides | own
        self._definition.check_options(overrides)
        return type(self)(self._definition, overrides, at)


class Verbs(Pushable[P]):
    """Pushes a job from threads. Each verb but `perform_inline` costs one round trip; a bulk one, one a slice."""

    @property
    def aio(self) -> "AsyncVerbs[P]":
        """The same verbs, awaited."""
        return AsyncVerbs(self._definition, self._overrides, self._at)

    def perform_async(self, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push the job; it runs as soon as a worker is free. Returns its jid, or None if a middleware
        stopped it or an identical job has the lock (`unique_for`).

        Raises:
            InvalidArguments: the arguments do not fit the signature or are not plain JSON; nothing was pushed.
            RedisError: see `teep.errors`.
        """
        client = client_of(default_config())
        if (template := self._template(client.config, args, kwargs)) is not None:
            return client._push_alike(template, list(args))  # noqa: SLF001 - for the verbs
        return client.push(self.to_payload(args, kwargs))

    def perform_in(self, interval: float | timedelta, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push the job for later: `interval` is seconds from now or a timedelta.

        A number from 1,000,000,000 on is an epoch time, as in Sidekiq. A time that has passed means now.
        """
        return client_of(default_config()).push(self._later(due(interval), args, kwargs))

    def perform_at(self, at: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Push the job for a time: a datetime (a naive one is local time) or epoch seconds.

        A time that has passed means now.
        """
        return client_of(default_config()).push(self._later(epoch(at), args, kwargs))

    def perform_bulk(
        self,
        args: Iterable[Sequence[Any]],
        *,
        at: Times | None = None,
        batch_size: int | None = None,
        spread_interval: float | None = None,
    ) -> list[str | None]:
        """Push one job for each argument list of any iterable, read lazily, one round trip per 1000 jobs.

        `at`: one time, or one for each. `batch_size`: jobs a round trip, at most 1000. `spread_interval`: seconds
        over which the jobs are spread at random, at least 5. Returns the jids.
        """
        how = {"batch_size": batch_size, "spread_interval": spread_interval}
        return client_of(default_config()).push_bulk(self._bulk(args, at, how))

    def perform_inline(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the job here and now, through middleware and a JSON round trip; returns the job's result."""
        return run_inline(default_config(), self._definition, self.to_payload(args, kwargs))

    perform_sync = perform_inline

    def set(self, **options: Unpack[SetOptions]) -> "Verbs[P]":
        """Return the job with other options for these pushes.

        It takes the options of `teep.job` that travel, and `wait` (seconds or timedelta) or `wait_until` (datetime or
        epoch seconds).
        """
        return Verbs(self._definition, self._overrides, self._at)._set(options)  # noqa: SLF001 - its own kind


class AsyncVerbs(Pushable[P]):
    """Pushes a job from asyncio: the verbs of `Verbs`, awaited."""

    async def perform_async(self, *args: P.args, **kwargs: P.kwargs) -> str | None:
        client = async_client_of(default_config())
        if (template := self._template(client.config, args, kwargs)) is not None:
            return await client._push_alike(template, list(args))  # noqa: SLF001 - for the verbs
        return await client.push(self.to_payload(args, kwargs))

    async def perform_in(self, interval: float | timedelta, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        return await async_client_of(default_config()).push(self._later(due(interval), args, kwargs))

    async def perform_at(self, at: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> str | None:
        return await async_client_of(default_config()).push(self._later(epoch(at), args, kwargs))

    async def perform_bulk(
        self,
        args: Iterable[Sequence[Any]],
        *,
        at: Times | None = None,
        batch_size: int | None = None,
        spread_interval: float | None = None,
    ) -> list[str | None]:
        how = {"batch_size": batch_size, "spread_interval": spread_interval}
        return await async_client_of(default_config()).push_bulk(self._bulk(args, at, how))

    async def perform_inline(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        return await run_inline_async(default_config(), self._definition, self.to_payload(args, kwargs))

    perform_sync = perform_inline

    def set(self, **options: Unpack[SetOptions]) -> "AsyncVerbs[P]":
        return self._set(options)


def _times(at: Any) -> float | list[float]:
    return [epoch(moment) for moment in at] if _is_many(at) else epoch(at)


def _is_many(at: object) -> bool:
    return isinstance(at, Iterable) and not isinstance(at, str)


# The clients of the process-wide configuration; each keeps its driver. Told apart by identity: two configurations
# that are equal may have other middleware.
_latest: Client | None = None
_latest_async: AsyncClient | None = None


def client_of(config: Config) -> Client:
    global _latest  # noqa: PLW0603 - of all jobs
    client = _latest
    if client is None or client.config is not config:
        client = _latest = Client(config)
    return client


def async_client_of(config: Config) -> AsyncClient:
    global _latest_async  # noqa: PLW0603 - of all jobs
    client = _latest_async
    if client is None or client.config is not config:
        client = _latest_async = AsyncClient(config)
    return client
