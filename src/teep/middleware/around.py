"""Makes a middleware of a context manager, for `def` and `async def` jobs alike."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from types import CoroutineType
from typing import Any

from teep.middleware.chain import Middleware


def around(manager: Callable[[dict[str, Any]], AbstractContextManager[Any]]) -> Middleware:
    """Return a middleware that enters `manager(job)` before a job or a push and leaves it after.

    Around an `async def` job it is left when the job has ended, not when it was called. The context manager sees the
    job's exception, and an interruption, too: `JobCancelled`, `Shutdown` or `asyncio.CancelledError`.

    Args:
        manager: takes the payload; usually a function under `@contextlib.contextmanager`.
    """

    def middleware(job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        with ExitStack() as stack:
            stack.enter_context(manager(job))
            outcome = call_next()
            if type(outcome) is CoroutineType:  # of an async def job; any other awaitable is the result of a def job
                return _within(stack.pop_all(), outcome)
            return outcome

    return middleware


async def _within(stack: ExitStack, outcome: Coroutine[Any, Any, Any]) -> Any:
    with stack:
        return await outcome
