"""The history: what a whole fleet was like, by minute for 72 hours and by hour for 90 days.

1. `sample` reads the fleet as it is now, by the server's clock.
2. `add` adds a sample to its minute and its hour, if the process leads.
3. `read` returns the records of a time. Where no process has sampled, there is none.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from teep.wire import commands, keys, payload, scripts
from teep.wire.command import Command
from teep.wire.commands import time as clock_of_redis
from teep.wire.keys import Key
from teep.wire.metrics import MINUTE, bucket_start
from teep.wire.scripts.fence import Fence
from teep.wire.scripts.history import Change
from teep.wire.stored import Stored

HOUR = 60 * MINUTE
MINUTES_KEPT = 72 * HOUR
HOURS_KEPT = 90 * 24 * HOUR
MOST_QUEUES = 100
"""The queues of a record: those that were the longest. However many come and go, a record does not grow beyond."""

# Runs between two samples that are no further apart are counted, in the minute of the later one.
_LAST_KEPT = 60


class Queued(NamedTuple):
    """The jobs in a queue, and the seconds that the next one has waited."""

    size: int
    latency: float


class Sample(NamedTuple):
    """The fleet at a moment: the counters, the jobs in each place, and the queues that have some."""

    at: float
    processed: int
    failed: int
    scheduled: int
    retries: int
    dead: int
    busy: int
    enqueued: int
    queues: Mapping[str, Queued]

    @property
    def sizes(self) -> dict[str, int]:
        """What is no counter, by name."""
        return {name: getattr(self, name) for name in SIZES}


SIZES = ("enqueued", "scheduled", "retries", "dead", "busy")


# The runs since the sample before, and what was sampled of each kind, by name.
_Runs = tuple[int | None, int | None]
_Values = tuple[Mapping[str, float], ...]


class Series(Struct, frozen=True, array_like=True):
    """One number in a record: how many samples it has, their sum, and the highest."""

    samples: int
    total: float
    peak: float


_NONE = Series(0, 0.0, float("-inf"))
# How the fields of a record are stored.
_FIELDS = {
    "samples": "n", "processed": "p", "failed": "f", "sizes": "v", "queue_sizes": "q", "latencies": "l", "gauges": "g"
}  # fmt: skip


class Record(Struct, frozen=True, rename=_FIELDS):
    """A minute or an hour: how many samples it has, the runs in it, and what was sampled, by name.

    The runs are None if its only sample had none before it to count from.
    """

    samples: int
    processed: int | None
    failed: int | None
    sizes: dict[str, Series]
    queue_sizes: dict[str, Series]
    latencies: dict[str, Series]
    gauges: dict[str, Series]

    @property
    def has_all_queues(self) -> bool:
        """Whether a queue that it does not name was empty."""
        return len(self.queue_sizes) < MOST_QUEUES

    def with_sample(self, runs: _Runs, values: _Values) -> "Record":
        """Return this record with one more sample: the runs since the last one, and the values of each kind."""
        known = (self.sizes, self.queue_sizes, self.latencies, self.gauges)
        sizes, queue_sizes, latencies, gauges = map(_extended, known, values)
        if len(queue_sizes) > MOST_QUEUES:
            longest = sorted(queue_sizes, key=lambda name: -queue_sizes[name].peak)[:MOST_QUEUES]
            queue_sizes, latencies = _only(longest, queue_sizes), _only(longest, latencies)
        processed, failed = map(_added, (self.processed, self.failed), runs)
        return Record(self.samples + 1, processed, failed, sizes, queue_sizes, latencies, gauges)


_EMPTY = Record(0, None, None, {}, {}, {}, {})
_read, _written = msgspec.json.Decoder(Record).decode, msgspec.json.Encoder().encode


def _added(known: int | None, more: int | None) -> int | None:
    return more if known is None else known + (more or 0)


def _only(names: Collection[str], values: Mapping[str, Series]) -> dict[str, Series]:
    return {name: values[name] for name in names if name in values}


def _extended(known: Mapping[str, Series], values: Mapping[str, float]) -> dict[str, Series]:
    return {**known, **{name: _with(known.get(name, _NONE), value) for name, value in values.items()}}


def _with(series: Series, value: float) -> Series:
    return Series(series.samples + 1, series.total + value, max(series.peak, value))


async def sample() -> Sample:
    """Return the fleet as it is. Two round trips, with two commands a queue, and one a process."""
    now, processed, failed, scheduled, retries, dead, identities, names = await commands.pipeline_of(_reads())
    found = await commands.pipeline_of(_reads_of(identities, names))
    busy, of_queues = sum(found[: len(identities)]), found[len(identities) :]
    waiting = {
        name: Queued(size, _latency(oldest, now))
        for name, size, oldest in zip(names, of_queues[::2], of_queues[1::2], strict=True)
        if size
    }
    enqueued = sum(queue.size for queue in waiting.values())
    return Sample(now, processed, failed, scheduled, retries, dead, busy, enqueued, waiting)


def _reads() -> list[Command[Any]]:
    return [
        clock_of_redis(),
        commands.get_int(keys.processed()),
        commands.get_int(keys.failed()),
        commands.zcard(keys.schedule()),
        commands.zcard(keys.retry()),
        commands.zcard(keys.dead()),
        commands.smembers(keys.processes()),
        commands.smembers(keys.queues()),
    ]


def _reads_of(identities: list[str], names: list[str]) -> Iterator[Command[Any]]:
    yield from (commands.hget_int(keys.process(identity), "busy") for identity in identities)
    for name in names:
        yield from (commands.llen(keys.queue(name)), commands.lindex(keys.queue(name), -1))


def _latency(oldest: bytes | None, now: float) -> float:
    item = None if oldest is None else Stored(oldest).item
    return 0.0 if item is None else round(payload.latency(item, now), 3)


async def add(fence: Fence, taken: Sample, gauges: Mapping[str, float]) -> bool:
    """Add a sample to its minute and its hour; False if the process does not lead. Two round trips."""
    at = datetime.fromtimestamp(taken.at, UTC)
    minutes, hours = (keys.history_minutes(at), f"{at:%M}"), (keys.history_hours(at.date()), f"{at:%H}")
    minute, hour, last = await commands.pipeline(
        commands.hget(*minutes), commands.hget(*hours), commands.hmget(keys.history_last(), "p", "f")
    )
    counts = (taken.processed, taken.failed)
    runs = (_since(counts[0], last[0]), _since(counts[1], last[1]))
    values = _values(taken, gauges)
    return await scripts.record_history(
        fence,
        (keys.history_last(), _LAST_KEPT),
        counts,
        Change(*minutes, *_more(minute, runs, values), MINUTES_KEPT + HOUR),
        Change(*hours, *_more(hour, runs, values), HOURS_KEPT + 24 * HOUR),
    )


def _since(count: int, before: bytes | None) -> int | None:
    """Return how many runs came since the last sample; without one nobody knows."""
    if before is None:
        return None
    return count - int(before) if count >= int(before) else count  # the counter was set back to 0


def _values(taken: Sample, gauges: Mapping[str, float]) -> _Values:
    queues = {legible(name): queue for name, queue in taken.queues.items()}
    return (
        taken.sizes,
        {name: queue.size for name, queue in queues.items()},
        {name: queue.latency for name, queue in queues.items()},
        {legible(name): value for name, value in gauges.items()},
    )


def _more(raw: bytes | None, runs: _Runs, values: _Values) -> tuple[bytes, bytes]:
    """Return a record as it was, and as it is with one more sample."""
    before = None if raw is None else _record(raw)
    return raw or b"", _written((before or _EMPTY).with_sample(runs, values))


def legible(name: str) -> str:
    """Return the name of a queue or gauge as a record has it: bytes that are no UTF-8 are written out."""
    return name.encode(errors="backslashreplace").decode()


async def read(first: datetime, last: datetime, seconds: int) -> dict[datetime, Record]:
    """Return the records from `first` to `last`, the oldest first, by their start: minutes or hours (`seconds` each).

    One round trip, with one HGETALL for each hour of minutes, or for each day of hours.
    """
    hashes = list(_hashes(first, last, seconds))
    replies = await commands.pipeline_of(commands.hgetall(key) for _, key in hashes)
    found = {}
    for (start, _), records in zip(hashes, replies, strict=True):
        for field, raw in records.items():
            at = start + timedelta(seconds=seconds * int(field))
            if first <= at <= last and (record := _record(raw)) is not None:
                found[at] = record
    return dict(sorted(found.items()))


def _hashes(first: datetime, last: datetime, seconds: int) -> Iterator[tuple[datetime, Key]]:
    """Yield the start and the key of each hash that has records of a time."""
    span = HOUR if seconds == MINUTE else 24 * HOUR
    start = bucket_start(first, span)
    while start <= last:
        yield start, keys.history_minutes(start) if seconds == MINUTE else keys.history_hours(start.date())
        start += timedelta(seconds=span)


def _record(raw: bytes) -> Record | None:
    """Return a record, or None if the bytes are none: that time is a gap then."""
    try:
        return _read(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
