"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Mapping, Sequence
from typing import Any

from teep.wire import commands, keys


class Push(commands.Pipeline):
    """New payloads by queue, the last given being the newest, and (time, payload) pairs for later. One round trip.

    The queue names go first, so that no job lies in a queue that no one lists. `transactional`: a database
    transaction may hold it, which is the client's business. `repeatable`: it is sent again after a lost answer,
    though a job may then be there twice, under one jid.
    """

    __slots__ = ("later", "now", "transactional")

    def __init__(
        self,
        now: Mapping[str, Sequence[bytes]],
        later: Sequence[tuple[float, bytes]],
        *,
        transactional: bool = True,
        repeatable: bool = False,
    ) -> None:
        self.now = now
        self.later = later
        self.transactional = transactional
        sends: list[commands.Command[Any]] = []
        if now:
            sends.append(commands.sadd(keys.queues(), *now))
        sends.extend(commands.lpush(keys.queue(queue), *raws, repeatable=repeatable) for queue, raws in now.items())
        if later:
            sends.append(commands.zadd(keys.schedule(), *later))
        super().__init__(sends)

    @property
    def jobs(self) -> int:
        """How many there are."""
        return sum(map(len, self.now.values())) + len(self.later)


def joined(pushes: Sequence[Push]) -> Push:
    """Return one push of what several hold, in their order, repeatable: for when nobody is left who could decide."""
    now: dict[str, list[bytes]] = {}
    for push in pushes:
        for queue, raws in push.now.items():
            now.setdefault(queue, []).extend(raws)
    return Push(now, [entry for push in pushes for entry in push.later], repeatable=True)


async def push(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]] = (), *, transactional: bool = True
) -> None:
    """Push payloads by queue and schedule others; nothing is sent where there are none."""
    if now or later:
        await Push(now, later, transactional=transactional)
