"""Tasks that run at once until they first wait. A task that never waits needs no turn of the event loop."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class Eager:
    """Starts such tasks on one loop, from its own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Any = loop
        self._call_soon = loop.call_soon
        self._step: Callable[[], object] | None = None
        self._context: Context | None = None

    if sys.version_info >= (3, 12):

        def start(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
            return asyncio.Task(coroutine, loop=self._loop, name=name, eager_start=True)

    else:

        def start(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
            """Start a task, and run its first step at once, which it would have its loop call soon."""
            self._step = None
            self._loop.call_soon = self._keep
            try:
                task = asyncio.Task(coroutine, loop=self._loop, name=name)
            finally:
                del self._loop.call_soon
            if self._step is not None and self._context is not None:
                self._context.run(self._step)
            return task

        def _keep(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
            if args or context is None or self._step is not None:  # a call by a finalizer that runs meanwhile
                return self._call_soon(callback, *args, context=context)
            self._step, self._context = callback, context
            return None
