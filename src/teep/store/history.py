"""The history: what a whole fleet was like, by minute for 72 hours and by hour for 90 days.

1. `sample` reads the fleet as it is now, by the server's clock.
2. `add` adds a sample to its minute and its hour, if the process leads.
3. `read` returns the records of a time. Where no process has sampled, there is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from teep.errors import MalformedPayload
from teep.wire import commands, json, keys, payload, scripts
from teep.wire.command import Command
from teep.wire.commands import time as clock_of_redis
from teep.wire.keys import Key
from teep.wire.metrics import MINUTE, bucket_start
from teep.wire.scripts.history import Change
from teep.wire.stored import Stored

HOUR = 60 * MINUTE
MINUTES_KEPT = 72 * HOUR
HOURS_KEPT = 90 * 24 * HOUR
MOST_QUEUES = 500
"""The queues of one sample, the longest first."""

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


class Series(NamedTuple):
    """One number in a record: how many samples it has, their sum, and the highest."""

    samples: int
    total: float
    peak: float


_NONE = Series(0, 0.0, float("-inf"))


class Record(NamedTuple):
    """A minute or an hour: how many samples it has, the runs in it, and what was sampled, by name."""

    samples: int
    processed: int
    failed: int
    sizes: Mapping[str, Series]
    queue_sizes: Mapping[str, Series]
    latencies: Mapping[str, Series]
    gauges: Mapping[str, Series]

    def with_sample(self, runs: tuple[int, int], values: Iterable[Mapping[str, float]]) -> "Record":
        """Return this record with one more sample: the runs since the last one, and the values of each kind."""
        series = (_extended(known, more) for known, more in zip(self[3:], values, strict=True))
        return Record(self.samples + 1, self.processed + runs[0], self.failed + runs[1], *series)

    def written(self) -> bytes:
        """Return it as it is stored."""
        return json.dumps(dict(zip(_FIELDS, self, strict=True)))


_FIELDS = ("n", "p", "f", "v", "q", "l", "g")
_EMPTY = Record(0, 0, 0, {}, {}, {}, {})


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


async def add(leader: tuple[Key, str], taken: Sample, gauges: Mapping[str, float]) -> bool:
    """Add a sample to its minute and its hour; False if the process does not lead. Two round trips.

    `leader` is the key that says which process leads, and this one's identity.
    """
    at = datetime.fromtimestamp(taken.at, UTC)
    minutes, hours = (keys.history_minutes(at), f"{at:%M}"), (keys.history_hours(at.date()), f"{at:%H}")
    minute, hour, last = await commands.pipeline(
        commands.hget(*minutes), commands.hget(*hours), commands.hmget(keys.history_last(), "p", "f")
    )
    counts = (taken.processed, taken.failed)
    runs = (_since(counts[0], last[0]), _since(counts[1], last[1]))
    values = _values(taken, gauges)
    return await scripts.record_history(
        leader,
        (keys.history_last(), _LAST_KEPT),
        counts,
        Change(*minutes, *_more(minute, runs, values), MINUTES_KEPT + HOUR),
        Change(*hours, *_more(hour, runs, values), HOURS_KEPT + 24 * HOUR),
    )


def _since(count: int, before: bytes | None) -> int:
    """Return how many runs came since the last sample; without one they count from here on."""
    if before is None:
        return 0
    return count - int(before) if count >= int(before) else count  # the counter was set back to 0


def _values(taken: Sample, gauges: Mapping[str, float]) -> tuple[Mapping[str, float], ...]:
    longest = sorted(taken.queues.items(), key=lambda item: -item[1].size)
    queues = {name: queue for name, queue in longest[:MOST_QUEUES] if _is_utf8(name)}
    return (
        taken.sizes,
        {name: queue.size for name, queue in queues.items()},
        {name: queue.latency for name, queue in queues.items()},
        gauges,
    )


def _more(raw: bytes | None, runs: tuple[int, int], values: tuple[Mapping[str, float], ...]) -> tuple[bytes, bytes]:
    """Return a record as it was, and as it is with one more sample."""
    before = None if raw is None else _record(raw)
    return raw or b"", (before or _EMPTY).with_sample(runs, values).written()


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


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
        stored = json.loads(raw)
        samples, processed, failed, *kinds = (stored[field] for field in _FIELDS)
        series = ({name: Series(*each) for name, each in kind.items()} for kind in kinds)
        return Record(samples, processed, failed, *series)
    except (MalformedPayload, AttributeError, KeyError, TypeError):
        return None
