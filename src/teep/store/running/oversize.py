"""Sending jobs that are too large for a server once something is added to them, or that are too much together.

A server that is sent too large a string, or too much in one go, hangs up. That looks like an outage, which would be
waited out for ever. So a large job is sent alone; if the server hangs up on it but answers other commands, the job is
sent in a smaller form.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from teep.errors import RedisCommandError, RedisError, RedisTimedOut, RedisUnavailable
from teep.wire import commands
from teep.wire.command import Command
from teep.wire.scripts.moves import Moves

T = TypeVar("T")

# Bytes of jobs in one go. No server can be set to take less than twice as much.
PORTION = 1 << 19
TOO_LARGE = "the server hangs up on a job as large as this one"


def portions(items: Sequence[T], size: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Split items into runs of at most `PORTION` bytes; one that is larger itself comes alone."""
    start = total = 0
    for index, item in enumerate(items):
        total += size(item)
        if total > PORTION and index > start:
            yield items[start:index]
            start, total = index, size(item)
    if start < len(items):
        yield items[start:]


async def hung_up(error: RedisError) -> bool:
    """Tell whether the server is there, but closed the connection because of what it was sent. One round trip."""
    lost = isinstance(error, RedisUnavailable) and not isinstance(error, RedisTimedOut)
    told = isinstance(error, RedisCommandError) and "Protocol error" in str(error)
    if not (lost or told):
        return False
    try:
        await commands.ping()
    except RedisError:
        return False
    return True


async def move(
    moves: Sequence[T],
    size: Callable[[T], int],
    send: Callable[[Sequence[T]], Command[Moves]],
    smaller: Callable[[T], T] | None = None,
) -> Moves:
    """Send moves of jobs in portions. One that the server hangs up on is sent as `smaller` makes it, else refused."""
    done: list[bool] = []
    refused: dict[int, str] = {}
    beside = ""
    for some in portions(moves, size):
        try:
            moved = await send(some)
        except RedisError as error:
            if size(some[0]) <= PORTION or not await hung_up(error):
                raise
            moved = await _alone(some[0], send, smaller)
        refused |= {len(done) + index: why for index, why in moved.refused.items()}
        done += moved.done
        beside = moved.beside or beside
    return Moves(done, refused, beside)


async def _alone(large: T, send: Callable[[Sequence[T]], Command[Moves]], smaller: Callable[[T], T] | None) -> Moves:
    if smaller is not None:
        try:
            return await send([smaller(large)])
        except RedisError as error:
            if not await hung_up(error):
                raise
    return Moves([False], {0: TOO_LARGE})
