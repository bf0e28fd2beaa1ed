"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Mapping, Sequence
from typing import Any

from teep.wire import commands, keys


class Push(commands.Pipeline):
    """New payloads by queue, the last given being the newest, and (time, payload) pairs for later. One round trip.

    The queue names go first, so that no job lies in a queue that no one lists.
    """

    __slots__ = ("later", "now")

    def __init__(self, now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]]) -> None:
        self.now = now
        self.later = later
        sends: list[commands.Command[Any]] = []
        if now:
            sends.append(commands.sadd(keys.queues(), *now))
        sends.extend(commands.lpush(keys.queue(queue), *raws) for queue, raws in now.items())
        if later:
            sends.append(commands.zadd(keys.schedule(), *later))
        super().__init__(sends)


async def push(now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]] = ()) -> None:
    """Push payloads by queue and schedule others; nothing is sent where there are none."""
    if now or later:
        await Push(now, later)
