"""The asyncio driver: runs plans on redis-py's asyncio connections."""

import asyncio
import math
import os
from typing import Any, TypeVar
from weakref import ReferenceType, WeakKeyDictionary, ref

from redis import exceptions as redis_errors

from teep.drivers.answers import raise_ours
from teep.drivers.connections import pools
from teep.drivers.connections.loops import LoopPool
from teep.drivers.packing import pack
from teep.drivers.plans import run_plan_async
from teep.drivers.request import LOST, Request
from teep.drivers.together import Joint, joined
from teep.wire.command import Command, Plan

T = TypeVar("T")
Talk = Request[Any] | Joint
_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, ReferenceType[LoopPool]]


class AsyncDriver:
    """Carries out commands on pools of asyncio connections, one pool per event loop.

    Commands that block have a second pool, so that no number of them keeps the others waiting.

    A loop that ends takes its connections along, so one driver serves a process that calls `asyncio.run` many times.
    Costs and errors are those of `teep.drivers.sync.Driver`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._pools = _no_pools()
        self._pid = os.getpid()

    async def run(self, plan: Plan[T]) -> T:
        """Run a plan and return its result."""
        return await run_plan_async(plan, self)

    async def execute(self, command: Command[T]) -> T:
        """Carry out one command on any free connection of this loop; within `together()`, with others."""
        others = joined(command)
        if others is not None:
            return await others.execute(self, command)
        talk = Request(command)
        if not command.idempotent:
            # Lets the loop see which pooled connections the server has closed: so a push is not sent to one.
            await asyncio.sleep(0)
        error = await self.settle(talk)
        if error is not None:
            raise_ours(error, self.url)
        return talk.result()

    async def settle(self, talk: Talk) -> Exception | None:
        """Send and receive, on one connection after the other, until all is settled; return what made it give up."""
        while (error := await self._attempt(talk)) is not None:
            pause = talk.wait_after_loss(error)
            if pause is None:
                return error
            await asyncio.sleep(pause)
        return None

    async def close(self) -> None:
        """Close the running loop's connections. Idempotent; a later command opens new ones."""
        loop = asyncio.get_running_loop()
        for waits in (False, True):
            if (owner := self._owner(loop, waits=waits)) is not None:
                await owner.close()

    def _pool(self, *, waits: bool) -> Any:
        loop = asyncio.get_running_loop()
        owner = self._owner(loop, waits=waits)
        if owner is None:
            most = pools.ASYNC_WAITS if waits else pools.ASYNC_CONNECTIONS
            owner = LoopPool(pools.async_pool(self.url, most), loop)
            self._pools[waits][loop] = ref(owner)
        return owner.pool

    def _owner(self, loop: asyncio.AbstractEventLoop, *, waits: bool) -> LoopPool | None:
        if self._pid != os.getpid():
            # A forked child must not use the parent's connections.
            self._pools, self._pid = _no_pools(), os.getpid()
        found = self._pools[waits].get(loop)
        return None if found is None else found()

    async def _attempt(self, talk: Talk) -> Exception | None:
        """Send and receive until all is settled; return the error that broke the connection, if one did."""
        pool = self._pool(waits=talk.block > 0)
        try:
            connection: Any = await pool.get_connection()
        except LOST as error:
            return error
        try:
            while not await self._turn(connection, talk):
                pause = talk.wait_after_refusal()
                if pause is None:
                    break
                if pause:
                    # A refusing server may have been demoted: the next connection asks again which server leads.
                    await connection.disconnect(nowait=True)
                    await asyncio.sleep(pause)
        except LOST as error:
            return error
        except BaseException:
            # Cancelled between a command and its reply: the next user would get this one's reply.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        return None

    @staticmethod
    async def _turn(connection: Any, talk: Talk) -> bool:
        if not connection.is_connected:
            await connection.connect()
        sends = talk.to_send()
        if sends:  # asyncio of 3.12 and 3.13 never gets rid of an empty write, and so cannot close the connection
            await connection.send_packed_command(pack(sends))
        return talk.receive([await _read_reply(connection, talk.block) for _ in sends])


def _no_pools() -> dict[bool, _Pools]:
    """Return the pools by loop, of commands that are answered at once and of those that wait."""
    return {False: WeakKeyDictionary(), True: WeakKeyDictionary()}


async def _read_reply(connection: Any, block: float) -> Any:
    """Read one reply; an error reply is a value, a broken connection is raised, and closed."""
    try:
        if not block:
            return await connection.read_response(disconnect_on_error=True)
        # Not redis-py's own timeout: it would return None, as if that were the reply, and keep the connection.
        async with asyncio.timeout(block + pools.ANSWER_SECONDS):
            return await connection.read_response(timeout=math.inf, disconnect_on_error=True)
    except redis_errors.ResponseError as error:
        return error
    except TimeoutError as error:
        raise redis_errors.TimeoutError(f"waited {block} s and {pools.ANSWER_SECONDS} s more") from error
