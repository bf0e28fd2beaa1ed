"""Deploy marks: lines on the metrics' charts, each with the time and the label of a deploy."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from teep.api.base import Api, AsyncApi, SyncApi
from teep.client.times import epoch
from teep.drivers.operation import operation
from teep.errors import NoDeployLabel
from teep.store.statistics import deploys

P = ParamSpec("P")
T = TypeVar("T")

_GIT_SECONDS = 10


class _on_class_too(Generic[P, T]):  # noqa: N801 - used as a decorator, like property
    """Lets a method be called on its class too, for an instance with the process-wide configuration."""

    def __init__(self, method: Callable[Concatenate[Any, P], T]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, owner: Any, kind: Callable[[], Any]) -> Callable[P, T]:
        if owner is not None:
            return MethodType(self._method, owner)

        @wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return self._method(kind(), *args, **kwargs)

        return call


class _Deploy(Api):
    """Marks deploys, and reads the marks of a day. Sidekiq's Deploy."""

    @operation
    async def fetch(self, date: date | None = None) -> dict[str, str]:
        """Return the marks of a UTC day (default: today), oldest first: {"2026-11-24T02:30:00Z": label}.

        One round trip.
        """
        return await deploys.fetch(datetime.now(UTC).date() if date is None else date)


class Deploy(_Deploy, SyncApi):
    @_on_class_too
    def mark(self, label: str | None = None, at: datetime | float | None = None) -> bool:
        """Mark a deploy at a datetime or epoch seconds (default: now); also `Deploy.mark(...)`, by class.

        Every process of a deploy may call it: a label is marked once a minute, and a minute keeps its first label.
        Marks are kept for 90 days. Two round trips. Sidekiq's Deploy.mark!.

        Args:
            label: such as a commit and its subject; default: those of `git log -1` in the current directory.

        Returns:
            True if this call marked it.

        Raises:
            NoDeployLabel: no label was given, and git has none.
        """
        return self._run(deploys.mark(label or _git_label(), _utc(at)))


class AsyncDeploy(_Deploy, AsyncApi):
    @_on_class_too
    async def mark(self, label: str | None = None, at: datetime | float | None = None) -> bool:
        """As `Deploy.mark`, awaited; git runs in a thread."""
        if not label:
            import asyncio  # noqa: PLC0415 - see teep.drivers

            label = await asyncio.to_thread(_git_label)
        return await self._run(deploys.mark(label, _utc(at)))


def _utc(at: datetime | float | None) -> datetime:
    return datetime.now(UTC) if at is None else datetime.fromtimestamp(epoch(at), UTC)


def _git_label() -> str:
    import subprocess  # noqa: PLC0415 - as asyncio above

    command = ["git", "log", "-1", "--format=%h %s"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        raise NoDeployLabel(
            f"`{' '.join(command)}` gives no label here ({str(reason).strip()}); pass label="
        ) from error
    return done.stdout.strip()
