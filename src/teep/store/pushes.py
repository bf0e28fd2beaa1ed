"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from teep.wire import commands, keys, scripts
from teep.wire.scripts import Unique
from teep.wire.unique import Lock

# Jobs that were not pushed since others have their locks: the jid of each, and that of the other.
Refused = list[tuple[str, str]]

_NO_LOCKS: Mapping[bytes, Lock] = {}


class Push(commands.Pipeline):
    """New payloads by queue, the last given being the newest, and (time, payload) pairs for later. One round trip.

    The queue names go first, so that no job lies in a queue that no one lists. A payload that has one of the `locks`
    goes in together with it or not at all, and the result tells which did not. `transactional`: a database
    transaction may hold it, which is the client's business. `repeatable`: it is sent again after a lost answer,
    though a job may then be there twice, under one jid.
    """

    __slots__ = ("later", "locks", "now", "transactional")

    def __init__(
        self,
        now: Mapping[str, Sequence[bytes]],
        later: Sequence[tuple[float, bytes]],
        *,
        locks: Mapping[bytes, Lock] = _NO_LOCKS,
        transactional: bool = True,
        repeatable: bool = False,
    ) -> None:
        self.now = now
        self.later = later
        self.locks = locks
        self.transactional = transactional
        unique = _unique(now, later, locks) if locks else []
        if unique:
            now, later = _others(now, later, locks)
        sends: list[commands.Command[Any]] = []
        if now:
            sends.append(commands.sadd(keys.queues(), *now))
        sends.extend(commands.lpush(keys.queue(queue), *raws, repeatable=repeatable) for queue, raws in now.items())
        if later:
            sends.append(commands.zadd(keys.schedule(), *later, repeatable=repeatable))
        if unique:
            sends.append(scripts.push_unique(keys.queues(), unique, repeatable=repeatable))
        super().__init__(sends, read=partial(_refused, unique) if unique else _none_refused)

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
    later = [entry for push in pushes for entry in push.later]
    locks = {raw: lock for push in pushes for raw, lock in push.locks.items()}
    return Push(now, later, locks=locks, repeatable=True)


async def push(
    now: Mapping[str, Sequence[bytes]],
    later: Sequence[tuple[float, bytes]] = (),
    *,
    locks: Mapping[bytes, Lock] = _NO_LOCKS,
    transactional: bool = True,
) -> Refused:
    """Push payloads by queue and schedule others; nothing is sent where there are none."""
    if now or later:
        return await Push(now, later, locks=locks, transactional=transactional)
    return []


def _unique(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], locks: Mapping[bytes, Lock]
) -> list[Unique]:
    queued = [
        Unique(locks[raw], keys.queue(queue), raw, queue=queue)
        for queue, raws in now.items()
        for raw in raws
        if raw in locks
    ]
    scheduled = [
        Unique(locks[raw], keys.schedule(), raw, score=commands.score(at)) for at, raw in later if raw in locks
    ]
    return queued + scheduled


def _others(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], locks: Mapping[bytes, Lock]
) -> tuple[Mapping[str, Sequence[bytes]], Sequence[tuple[float, bytes]]]:
    plain = {queue: [raw for raw in raws if raw not in locks] for queue, raws in now.items()}
    return {queue: raws for queue, raws in plain.items() if raws}, [
        (at, raw) for at, raw in later if raw not in locks
    ]


def _refused(unique: Sequence[Unique], replies: Sequence[Any]) -> Refused:
    """Read the outcome of a push, in which what is unique goes last."""
    return [(job.lock.jid, holder) for job, holder in zip(unique, replies[-1], strict=True) if holder]


def _none_refused(_: Sequence[Any]) -> Refused:
    return []
