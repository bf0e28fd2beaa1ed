"""The lifespan of a configuration: a context manager that a process enters before its first job, and leaves at last.

A plain one is entered and left in the thread that starts and stops the worker, an asynchronous one in one task on the
event loop of the jobs.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from teep.clock import monotonic
from teep.config.hooks import Lifespan
from teep.errors import ConfigurationError
from teep.runtime import event_loop
from teep.runtime.service import OnError
from teep.telling import Logger

logger = Logger("teep")

# The least seconds that it gets to end.
_MOMENT = 3.0


class Lived:
    """A lifespan under way; `state` is what its context manager yields, None without one."""

    def __init__(self, on_error: OnError) -> None:
        self.state: Any = None
        self._on_error = on_error
        self._leave: Callable[[float], object] | None = None

    def enter(self, lifespan: Lifespan | None) -> None:
        """Enter it. Raises whatever it raises, which keeps the worker from starting."""
        if lifespan is None:
            return
        manager = lifespan()
        if isinstance(manager, AbstractAsyncContextManager):
            on_loop = _OnLoop(manager)
            self.state, self._leave = on_loop.enter(), on_loop.leave
        elif isinstance(manager, AbstractContextManager):
            self.state = manager.__enter__()
            self._leave = lambda _: manager.__exit__(None, None, None)
        else:
            raise ConfigurationError(
                f"the lifespan must be a generator function with one yield; it made {manager!r:.200}"
            )

    def leave(self, deadline: float) -> None:
        """Leave it by `deadline` (monotonic seconds) or a moment later. An error of it is reported. Idempotent."""
        leave, self._leave = self._leave, None
        if leave is None:
            return
        try:
            leave(max(deadline, monotonic() + _MOMENT))
        except Exception as error:  # noqa: BLE001 - of users' code, and the process ends anyway
            self._on_error(error, "lifespan")


class _OnLoop:
    """Enters and leaves a context manager in one task, as task groups and context variables want it."""

    def __init__(self, manager: AbstractAsyncContextManager[Any]) -> None:
        self._manager = manager
        self._entered: Future[Any] = Future()
        self._left: Future[None] = Future()
        self._over: asyncio.Event | None = None
        self._loop = event_loop.join()

    def enter(self) -> Any:
        self._loop.call(self._start)
        try:
            return self._entered.result()
        except BaseException:
            event_loop.leave(self._loop, monotonic())
            raise

    def leave(self, deadline: float) -> None:
        self._loop.call(self._end)
        try:
            self._left.result(deadline - monotonic())
        except TimeoutError:
            logger.warning("the lifespan has not ended in time; its process ends regardless")
        finally:
            event_loop.leave(self._loop, deadline)

    def _start(self) -> None:
        self._task = self._loop.start_task(self._live(), "lifespan")

    def _end(self) -> None:
        if self._over is not None:
            self._over.set()

    async def _live(self) -> None:
        try:
            async with self._manager as state:
                self._over = asyncio.Event()
                self._entered.set_result(state)
                await self._over.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised where one waits for it
            (self._left if self._entered.done() else self._entered).set_exception(error)
        else:
            self._left.set_result(None)
