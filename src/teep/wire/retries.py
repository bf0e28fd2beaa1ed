"""The retries of a failed job: whether one is left, and how long to wait for it."""

from collections.abc import Mapping
from typing import Any

from teep.wire.payload import read_stamp


def is_exhausted(item: Mapping[str, Any], max_retries: int, now: float) -> bool:
    """Tell whether a failed job has no retries left. `retry_for` (seconds) replaces the count, as in Sidekiq 8."""
    retry_for = item.get("retry_for")
    if isinstance(retry_for, (int, float)):
        first = read_stamp(item.get("failed_at"))
        return first is not None and first + retry_for < now
    retry = item.get("retry")
    limit = retry if type(retry) is int else max_retries  # whatever else another producer wrote, as Sidekiq does
    return bool(item["retry_count"] >= limit)


def delay(count: int, base: float | None, chance: float) -> float:
    """Return the seconds until retry number `count` (0-based), `chance` being a random number in [0, 1).

    Sidekiq 8's formula: count ** 4 + 15, or the job's own `base`, then a whole number of seconds of jitter
    below 10 * (count + 1).
    """
    return (base if base is not None else count**4 + 15) + int(chance * 10 * (count + 1))
