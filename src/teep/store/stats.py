"""Statistics: lifetime and daily counters, and the sizes of everything."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from teep.store import queues
from teep.wire import commands, keys

DEFAULT_QUEUE = "default"


class Fast(NamedTuple):
    """What one round trip of O(1) commands tells. `default_queue_oldest` is the default queue's next payload."""

    processed: int
    failed: int
    scheduled_size: int
    retry_size: int
    dead_size: int
    processes_size: int
    default_queue_oldest: bytes | None


class Slow(NamedTuple):
    """What takes a command a process and a queue: jobs running, and waiting in all queues."""

    workers_size: int
    enqueued: int


async def fast() -> Fast:
    """Return the counters and sizes. One round trip."""
    reads: list[commands.Command[Any]] = [
        commands.get_int(keys.processed()),
        commands.get_int(keys.failed()),
        commands.zcard(keys.schedule()),
        commands.zcard(keys.retry()),
        commands.zcard(keys.dead()),
        commands.scard(keys.processes()),
        commands.lindex(keys.queue(DEFAULT_QUEUE), -1),
    ]
    return Fast(*await commands.pipeline_of(reads))


async def slow() -> Slow:
    """Return how much runs and waits. Two round trips, whatever there is."""
    identities, names = await commands.pipeline(commands.smembers(keys.processes()), commands.smembers(keys.queues()))
    counts = await commands.pipeline_of(
        [
            *(commands.hget_int(keys.process(identity), "busy") for identity in identities),
            *(commands.llen(keys.queue(name)) for name in names),
        ]
    )
    return Slow(sum(counts[: len(identities)]), sum(counts[len(identities) :]))


async def history(newest: date, days: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return jobs processed and failed by UTC day, newest first. One round trip."""
    dates = [newest - timedelta(days=back) for back in range(days)]
    processed, failed = await commands.pipeline(
        commands.mget_ints([keys.processed_on(day) for day in dates]),
        commands.mget_ints([keys.failed_on(day) for day in dates]),
    )
    labels = [day.isoformat() for day in dates]
    return dict(zip(labels, processed, strict=True)), dict(zip(labels, failed, strict=True))


async def reset(*, processed: bool, failed: bool) -> None:
    """Set lifetime counters back to 0."""
    chosen = ((keys.processed(), processed), (keys.failed(), failed))
    await commands.mset({key: 0 for key, wanted in chosen if wanted})


async def queue_sizes() -> dict[str, int]:
    """Return every queue's size, largest first. Two round trips."""
    return await queues.sizes(await queues.names())
