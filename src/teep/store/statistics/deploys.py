"""Deploy marks: the times and labels of deploys, one hash per UTC day."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from teep.wire import commands, keys, metrics
from teep.wire.command import Command

MARKS_EXPIRY = 90 * 24 * 60 * 60
LOCK_EXPIRY = 60


async def mark(label: str, at: datetime) -> bool:
    """Mark the minute of `at` with a label, each label once a minute; True if it was marked. Two round trips.

    All processes of a deploy may call it: the first one marks. A minute keeps its first label.
    """
    minute = metrics.bucket_start(at, metrics.MINUTE)
    stamp = metrics.stamp(minute)
    if not await commands.set_if_absent(keys.deploy_lock(label), stamp, LOCK_EXPIRY):
        return False
    key = keys.deploy_marks(minute.date())
    marked, _ = await commands.transaction(
        commands.hset_if_absent(key, stamp, label), commands.expire(key, MARKS_EXPIRY)
    )
    return bool(marked)


async def fetch(day: date) -> dict[str, str]:
    """Return a UTC day's marks, oldest first: {"2026-11-24T02:30:00Z": label}. One round trip."""
    marks = await commands.hgetall(keys.deploy_marks(day))
    return {stamp: _text(label) for stamp, label in sorted(marks.items())}


def reading(start: datetime, end: datetime) -> list[Command[dict[str, bytes]]]:
    """Return the commands that read the marks of every day from `start` to `end`, both in UTC."""
    days = (end.date() - start.date()).days + 1
    return [commands.hgetall(keys.deploy_marks(start.date() + timedelta(days=day))) for day in range(days)]


def within(hashes: Iterable[Mapping[str, bytes]], start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Return the marks from `start` to `end` among the replies to `reading`, oldest first."""
    marks = [
        (datetime.fromisoformat(at).astimezone(UTC), _text(label)) for marks in hashes for at, label in marks.items()
    ]
    return sorted(mark for mark in marks if start <= mark[0] <= end)


def _text(label: bytes) -> str:
    return label.decode(errors="surrogateescape")
