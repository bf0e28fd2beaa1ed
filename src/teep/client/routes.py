"""Where a client's pushes go: to Redis, into a database transaction that holds them, or to what takes them in a test.

Whatever else a client does goes to Redis.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from teep.client import test_mode, transactions
from teep.config import Config
from teep.store.pushes import Push
from teep.wire import commands
from teep.wire.commands import Command

if TYPE_CHECKING:
    from teep.drivers import AsyncDriver, Driver

T = TypeVar("T")


def is_plain() -> bool:
    """Whether every push goes to Redis at once here."""
    return test_mode.current() is None and not transactions.may_hold()


class Executor:
    """Carries out a client's commands on threads.

    A push that a transaction holds is preceded by a PING: an outage shows while the transaction can be rolled back.
    """

    def __init__(self, config: Config, driver: Callable[[], "Driver"]) -> None:
        self._config = config
        self._driver = driver

    def execute(self, command: Command[T]) -> T:
        if self._took(command):
            return cast("T", [])
        return self._driver().execute(command)

    def _took(self, push: Command[Any]) -> bool:
        if not isinstance(push, Push):
            return False
        redirect = test_mode.current()
        if push.transactional and (around := transactions.around()):
            if redirect is None:
                self._driver().execute(commands.ping())
            transactions.hold(self._config, push, around)
            return True
        if redirect is not None:
            redirect.take(self._config, push)
        return redirect is not None


class AsyncExecutor:
    """The same on asyncio."""

    def __init__(self, config: Config, driver: Callable[[], "AsyncDriver"]) -> None:
        self._config = config
        self._driver = driver

    async def execute(self, command: Command[T]) -> T:
        if await self._took(command):
            return cast("T", [])
        return await self._driver().execute(command)

    async def _took(self, push: Command[Any]) -> bool:
        if not isinstance(push, Push):
            return False
        redirect = test_mode.current()
        if push.transactional and (around := transactions.around()):
            if redirect is None:
                await self._driver().execute(commands.ping())
            transactions.hold(self._config, push, around)
            return True
        if redirect is not None:
            await redirect.take_async(self._config, push)
        return redirect is not None
