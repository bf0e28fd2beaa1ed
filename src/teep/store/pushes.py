"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Mapping, Sequence
from typing import Any

from teep.wire import commands, keys


async def push(now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]] = ()) -> None:
    """Push payloads by queue, the last given being the newest, and schedule (time, payload) pairs. One round trip.

    The queue names go first, so that no job lies in a queue that no one lists.
    """
    sends: list[commands.Command[Any]] = []
    if now:
        sends.append(commands.sadd(keys.queues(), *now))
    sends.extend(commands.lpush(keys.queue(queue), *raws) for queue, raws in now.items())
    if later:
        sends.append(commands.zadd(keys.schedule(), *later))
    if sends:
        await commands.pipeline_of(sends)
