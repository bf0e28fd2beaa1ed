"""`with limit.within_limit():` and `async with`: one body for both, in any process."""

from typing import Protocol, Self

from teep.client.limiters import whole
from teep.clock import monotonic, redis_time
from teep.config import Config, async_driver_for
from teep.drivers.plans import pause
from teep.errors import InvalidValue, OverLimit, RedisError
from teep.features.limits import held, memory
from teep.store import limits
from teep.store.limits import Caller, Declared, Hold, Mode, Refused
from teep.telling import Logger
from teep.wire import keys
from teep.wire.command import Command

logger = Logger("teep")

_SECOND = 1_000_000
# Seconds that a wait at Redis takes at most: an interruption of the job's thread is noticed between two of them.
_SLICE = 1.0
# Seconds before a known time from which on this process waits by its own clock: Redis looks for the ends of such
# waits ten times a second only.
_EARLY = 0.12


class Limit(Protocol):
    """A limit as it is used here."""

    name: str
    config: Config | None
    declared: Declared
    is_held: bool
    wait_timeout: int
    reschedule: int

    def short(self, cost: int) -> Command[bool] | None: ...


class Within:
    """The inside of a limit. For `with` and `async with`; it can be entered once at a time."""

    __slots__ = ("_config", "_cost", "_holder", "_kit", "_limit", "_points")

    def __init__(self, limit: Limit | None, cost: int) -> None:
        self._limit = limit
        self._cost = cost
        self._points: int | None = None
        self._holder = ""
        self._config: Config | None = None
        self._kit: memory.Kit | None = None

    def points_used(self, points: int) -> None:
        """Tell how many points it really took, instead of the estimate; Redis hears of it at the end.

        Raises:
            InvalidType, InvalidValue: that is no whole number from 0 on.
        """
        self._points = whole(points, "points_used", 0)

    def __enter__(self) -> Self:
        limit = self._limit
        if limit is not None and self._is_real(limit):
            driver = held.driver_of(self._begin(limit))
            if (short := self._short(limit)) is None or not driver.execute(short):
                driver.run(self._enter(limit))
        return self

    def __exit__(self, *_: object) -> None:
        limit = self._limit
        if limit is not None and (limit.is_held or self._points is not None) and self._config is not None:
            held.driver_of(self._config).run(self._leave(limit))
        elif limit is not None and self._kit is not None:
            self._leave_kit(self._kit, limit)

    async def __aenter__(self) -> Self:
        limit = self._limit
        if limit is not None and self._is_real(limit):
            driver = async_driver_for(self._begin(limit))
            if (short := self._short(limit)) is None or not await driver.execute(short):
                await driver.run(self._enter(limit))
        return self

    async def __aexit__(self, *_: object) -> None:
        limit = self._limit
        if limit is not None and (limit.is_held or self._points is not None) and self._config is not None:
            await async_driver_for(self._config).run(self._leave(limit))
        elif limit is not None and self._kit is not None:
            self._leave_kit(self._kit, limit)

    @property
    def _more(self) -> int:
        """The points that it took beyond its estimate; below 0 if it took fewer."""
        return 0 if self._points is None else self._points - self._cost

    def _is_real(self, limit: Limit) -> bool:
        """Tell whether Redis is to be asked: in a test the mode may have limits of its own, and these let it in."""
        if self._holder:
            raise InvalidValue(f"this within_limit() of {limit.name} is entered already; call it once for each block")
        self._points, self._config = None, None
        self._kit = memory.current()
        if self._kit is None:
            return True
        holder = held.new_holder("")
        self._kit.enter(limit.declared, self._cost, holder, limit.reschedule)
        self._holder = holder if limit.is_held else ""
        return False

    def _leave_kit(self, kit: memory.Kit, limit: Limit) -> None:
        holder, self._holder = self._holder, ""
        kit.leave(limit.declared, holder, self._more)

    def _begin(self, limit: Limit) -> Config:
        config = self._config = held.config_of(limit.config)
        return config

    def _short(self, limit: Limit) -> Command[bool] | None:
        """Return the command that most calls need; None if this one must ask in full."""
        return limit.short(self._cost) if redis_time() is None else None

    async def _enter(self, limit: Limit) -> None:
        """Ask until the limit lets it in, or it has waited long enough."""
        identity = held.identity(self._config)
        holder = held.new_holder(identity)
        try:
            await self._ask(limit, holder)
            if limit.is_held and self._config is not None:
                self._holder = holder
                held.keep(holder, held.Lease(identity, self._config, limit.declared.line, limit.declared.lease))
        except (OverLimit, RedisError):
            raise
        except BaseException:  # such as a timeout, or the cancellation of its task
            await self._withdraw(limit, holder)
            raise

    async def _ask(self, limit: Limit, holder: str) -> None:
        declared, patience, order = limit.declared, limit.wait_timeout, None
        identity = holder.partition("|")[0]
        deadline = monotonic() + patience / _SECOND
        bell = keys.limit_bell(limit.name, holder)
        while True:
            left = deadline - monotonic()
            mode: Mode = "try" if not patience else "wait" if order is None or left > 0 else "last"
            caller = Caller(mode, holder, bell, ((0, self._cost),), order, patience)
            (answer,) = await limits.acquire(identity, (declared,), (caller,), redis_time())
            if not isinstance(answer, Refused):
                return
            order = answer.order
            if mode != "wait" or (answer.seconds > left and not limit.is_held):
                after = None if limit.is_held else max(answer.seconds, 0.001)
                raise OverLimit(after, limiter=limit.name, reschedule=limit.reschedule)
            await _wait(bell, min(monotonic() + answer.seconds, deadline))

    async def _withdraw(self, limit: Limit, holder: str) -> None:
        """Wait no longer, and let the next one have what this one was given, or is about to be."""
        self._holder = ""
        held.let_go(holder)
        try:
            await limits.withdraw(limit.declared, keys.limit_bell(limit.name, holder), holder)
        except RedisError as error:
            logger.warning("Redis was not told that nobody waits at the limit %s: %s", limit.name, error)

    async def _leave(self, limit: Limit) -> None:
        """Tell Redis of the end. The work is done, so a failing Redis is no error of it: a lease ends by itself."""
        holder, self._holder = self._holder, ""
        if limit.is_held and not held.let_go(holder):
            return  # a fork has left the block of its parent, which is still in it
        try:
            if limit.is_held:
                await limits.carry_out_all((Hold(limit.declared, holder).part,))
            elif self._more:
                await limits.correct(limit.name, self._more, redis_time())
        except RedisError as error:
            logger.warning("Redis was not told that a use of the limit %s is over: %s", limit.name, error)


async def _wait(bell: keys.Key, until: float) -> None:
    """Wait for the bell, until a time (monotonic seconds) at most."""
    while (left := until - monotonic()) > _EARLY:
        if await limits.awaited(bell, round(min(left - _EARLY / 2, _SLICE), 3)):
            return
    if left > 0:
        await pause(left)
