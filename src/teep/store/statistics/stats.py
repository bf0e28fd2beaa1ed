"""Statistics: lifetime and daily counters, and the sizes of everything."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from teep.store.jobs import queues
from teep.wire import commands, keys
from teep.wire.command import Arg, Command
from teep.wire.keys import Key

DEFAULT_QUEUE = "default"


class Fast(NamedTuple):
    """The counts of one round trip of O(1) commands. `default_queue_oldest` is the default queue's next payload."""

    processed: int
    failed: int
    expired: int
    scheduled_size: int
    retry_size: int
    dead_size: int
    processes_size: int
    default_queue_oldest: bytes | None


class Slow(NamedTuple):
    """The counts that take a command per process and queue: jobs running, and waiting in all queues."""

    workers_size: int
    enqueued: int


class Due(NamedTuple):
    """The jobs of a set whose time has come: how many, and the earliest of their times (epoch seconds)."""

    jobs: int
    since: float | None


async def due(now: float) -> tuple[Due, Due]:
    """Return what is due in the scheduled and in the retry set. One round trip."""
    reads: list[Command[Any]] = [
        read
        for key in (keys.schedule(), keys.retry())
        for read in (commands.zcount(key, "-inf", commands.score(now)), commands.zrange(key, 0, 0))
    ]
    scheduled, next_scheduled, retried, next_retry = await commands.pipeline_of(reads)
    return _due(scheduled, next_scheduled), _due(retried, next_retry)


def _due(jobs: int, first: list[tuple[bytes, float]]) -> Due:
    return Due(jobs, first[0][1] if jobs and first else None)


async def fast() -> Fast:
    """Return the counters and sizes. One round trip."""
    return Fast(*await commands.pipeline_of(_fast_reads()))


async def everything() -> tuple[Fast, Slow]:
    """Return both. Two round trips, however many processes and queues there are."""
    reads = [*_fast_reads(), commands.smembers(keys.processes()), commands.smembers(keys.queues())]
    *counts, identities, names = await commands.pipeline_of(reads)
    return Fast(*counts), await _slow(identities, names)


def _fast_reads() -> list[Command[Any]]:
    return [
        commands.get_int(keys.processed()),
        commands.get_int(keys.failed()),
        commands.get_int(keys.expired()),
        commands.zcard(keys.schedule()),
        commands.zcard(keys.retry()),
        commands.zcard(keys.dead()),
        commands.scard(keys.processes()),
        commands.lindex(keys.queue(DEFAULT_QUEUE), -1),
    ]


async def slow() -> Slow:
    """Return how many jobs run, and how many wait. Two round trips, however many processes and queues there are."""
    return await _slow(
        *await commands.pipeline(commands.smembers(keys.processes()), commands.smembers(keys.queues()))
    )


async def _slow(identities: Collection[str], names: Collection[str]) -> Slow:
    counts = await commands.pipeline_of(
        [
            *(commands.hget_int(keys.process(identity), "busy") for identity in identities),
            *(commands.llen(keys.queue(name)) for name in names),
        ]
    )
    return Slow(sum(counts[: len(identities)]), sum(counts[len(identities) :]))


class Days(NamedTuple):
    """Jobs by UTC day, newest first."""

    processed: dict[str, int]
    failed: dict[str, int]
    expired: dict[str, int]


async def history(newest: date, days: int) -> Days:
    """Return the counts of each of `days` days, the last one being `newest`. One round trip."""
    dates = [newest - timedelta(days=back) for back in range(days)]
    labels = [day.isoformat() for day in dates]
    counts = await commands.pipeline_of(
        [
            commands.mget_ints([key(day) for day in dates])
            for key in (keys.processed_on, keys.failed_on, keys.expired_on)
        ]
    )
    return Days(*(dict(zip(labels, counted, strict=True)) for counted in counts))


COUNTERS: Mapping[str, Key] = {"processed": keys.processed(), "failed": keys.failed(), "expired": keys.expired()}
"""The keys of the lifetime counters."""


async def reset(names: Collection[str]) -> None:
    """Set lifetime counters back to 0; that of expired jobs, which is teep's own, is removed."""
    zeros: dict[Key, Arg] = {COUNTERS[name]: 0 for name in names if name != "expired"}
    if zeros:
        await commands.mset(zeros)
    if "expired" in names:
        await commands.unlink(keys.expired())


async def queue_sizes() -> dict[str, int]:
    """Return every queue's size, largest first. Two round trips."""
    return await queues.sizes(await queues.names())
