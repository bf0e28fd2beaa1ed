"""Looking at a limiter and changing it, by its name: the half that the data API and declared limits share."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from teep.client.times import shown
from teep.clock import redis_time
from teep.drivers.operation import operation
from teep.errors import InvalidType, InvalidValue
from teep.store import limits

_SECOND = 1_000_000  # microseconds
_LONGEST_NAME = 200


class Usage(NamedTuple):
    """A limiter as it is now.

    `used` of `limit` are taken, `waiting` jobs and callers wait, and one is free at `free_at` (None: now). `limit` is
    the limit that holds; `declared` differs from it if `set_limit` was called. `granted` and `over` count what was
    taken and what was refused, `waited` the callers that had to wait, whether or not in vain, and `reclaimed` the
    places whose holder let its lease end.
    """

    used: int
    limit: int
    waiting: int
    free_at: datetime | None
    declared: int = 0
    paused_until: datetime | None = None
    granted: int = 0
    over: int = 0
    waited: int = 0
    reclaimed: int = 0


class Controls:
    """A limiter by its name: how much of it is used, and changes of it for all processes."""

    name: str

    @operation
    async def usage(self) -> Usage:
        """Return how much is used, and when some is free; nothing is used if it is not known yet. One round trip."""
        found = await limits.usage(self.name, redis_time())
        return Usage(0, self._declared, 0, None, self._declared) if found is None else usage_of(found)

    @operation
    async def pause(self, seconds: float | timedelta) -> None:
        """Let nothing through for so many seconds, such as those of a `Retry-After`. One round trip."""
        await limits.pause(self.name, microseconds(seconds, "a pause"), redis_time())

    @operation
    async def resume(self) -> None:
        """End a pause; those that wait may go on. One round trip for each 1,000 of these."""
        await limits.resume(self.name, redis_time())

    @operation
    async def set_limit(self, limit: int | None) -> None:
        """Let another limit hold than the declared one, from the next call on; None: the declared one again.

        Those that wait may go on. One round trip for each 1,000 of these.
        """
        if limit is not None:
            whole(limit, "a limit", 0)
        await limits.set_limit(self.name, limit, redis_time())

    @operation
    async def reset(self) -> None:
        """Forget what is used, and all counts; those that wait may go on. A pause and `set_limit` stay.

        One round trip for each 1,000 that wait. Jobs that hold a concurrent limiter run on.
        """
        await limits.reset(self.name, redis_time())

    @property
    def _declared(self) -> int:
        return 0


def usage_of(found: limits.Usage) -> Usage:
    """Return a limiter's usage as users see it."""
    return Usage(
        used=found.used,
        limit=found.declared if found.override is None else found.override,
        waiting=found.waiting,
        free_at=_moment(found.free_at),
        declared=found.declared,
        paused_until=_moment(found.paused),
        granted=found.granted,
        over=found.over,
        waited=found.waited,
        reclaimed=found.reclaimed,
    )


def _moment(at: int) -> datetime | None:
    return shown(at / _SECOND) if at else None


def named(name: Any) -> str:
    """Return the name of a limit.

    Raises:
        InvalidValue: it is none, or Redis cannot have it: one that waits is written with a NUL behind each word.
    """
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise InvalidValue(f"the name of a limit must be a string of 1 to {_LONGEST_NAME} characters, not {name!r}")
    if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
        raise InvalidValue(f"the name of a limit cannot have a NUL or a lone surrogate, as {name!r} has")
    return name


def microseconds(seconds: Any, what: str, least: float = 0.0) -> int:
    """Return microseconds of seconds or a timedelta.

    Raises:
        InvalidType, InvalidValue: it is neither, or less than `least`.
    """
    number = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise InvalidType(f"{what} must be seconds or a timedelta, not {seconds!r}")
    if not least <= number <= 1_000_000_000:
        raise InvalidValue(f"{what} must be from {least:g} to 1000000000 seconds, not {seconds!r}")
    return round(number * _SECOND)


def whole(number: Any, what: str, least: int = 1) -> int:
    """Return a whole number.

    Raises:
        InvalidType, InvalidValue: it is none, or less than `least`.
    """
    if type(number) is not int:
        raise InvalidType(f"{what} must be a whole number, not {number!r}")
    if not least <= number <= 1_000_000_000:
        raise InvalidValue(f"{what} must be from {least} to 1000000000, not {number!r}")
    return number
