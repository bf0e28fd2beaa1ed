"""Where a test sends pushes instead of to Redis: `teep.testing` sets it, and `routes` asks here.

Only pushes are redirected, and `teep.result` follows them. All else talks to Redis as ever.
"""

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Generic, Literal, Protocol, TypeVar

from teep.config import Config
from teep.store.jobs.pushes import Push

T = TypeVar("T")


class Redirect(Protocol):
    """A function that takes pushes in place of Redis. It is a plan, which is run on threads or on asyncio.

    One with `runs_at_once` runs the jobs, so that the block of a batch passes each on as it comes. `results` has the
    records of jobs that ran here and keep theirs, by jid; `waiting` tells where others are.
    """

    runs_at_once: bool

    @property
    def results(self) -> dict[str, bytes]: ...
    async def take(self, config: Config, push: Push) -> None: ...
    def waiting(self, jid: str) -> Literal["queued", "scheduled"] | None: ...


class Redirected(AbstractContextManager[T], Generic[T]):
    """While it is entered, pushes go to `redirect` (None: to Redis); entering it gives `result`.

    It holds for the thread or task that enters it and the tasks started inside. With `everywhere`, it also holds for
    every thread that has not entered one of its own.
    """

    def __init__(self, redirect: Redirect | None, result: T, *, everywhere: bool) -> None:
        self.redirect = redirect
        self._result = result
        self._is_everywhere = everywhere
        self._before: list[tuple[Redirected[Any] | None, Redirected[Any] | None]] = []

    def __enter__(self) -> T:
        self._before.append((_here.get(), _everywhere))
        self._set(self, self)
        return self._result

    def __exit__(self, *_: object) -> None:
        self._set(*self._before.pop())

    def _set(self, here: "Redirected[Any] | None", everywhere: "Redirected[Any] | None") -> None:
        global _everywhere  # noqa: PLW0603 - as `everywhere` says
        _here.set(here)  # not `reset`: a fixture may be entered in one context and left in another
        if self._is_everywhere:
            _everywhere = everywhere


_here: ContextVar[Redirected[Any] | None] = ContextVar("teep_redirected", default=None)
_everywhere: Redirected[Any] | None = None


def current() -> Redirect | None:
    """Return the function that takes the pushes of this thread or task; None: Redis takes them."""
    innermost = _here.get() or _everywhere
    return None if innermost is None else innermost.redirect
