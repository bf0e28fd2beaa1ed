"""What the status of a batch and that of a workflow do alike, as plans."""

from collections.abc import Sequence
from datetime import timedelta

from teep.api.base import seconds_of
from teep.api.jobs import moves
from teep.api.jobs.selection.filters import Filter
from teep.api.jobs.selection.sweep import Chosen, Progress, take_from_set
from teep.clock import monotonic
from teep.config import Config
from teep.drivers.plans import pause
from teep.errors import InvalidValue
from teep.store import batches
from teep.store.batches import EVENTS, Event
from teep.store.jobs import jobsets
from teep.wire import keys
from teep.wire.keys import Key

# Seconds between looks while one waits, the first and the longest.
_FIRST_LOOK, _LAST_LOOK = 0.02, 1.0


async def wait_for(bid: str, event: Event, timeout: float | timedelta) -> bool:  # noqa: ASYNC109 - seconds to wait are no limit of a task
    """Wait until an event has happened; False if it has not after `timeout`, or there is no such batch."""
    if event not in EVENTS:
        raise InvalidValue(f"a batch has the events {', '.join(EVENTS)}, not {event!r}")
    until, interval = monotonic() + seconds_of(timeout), _FIRST_LOOK
    while (fired := await batches.has_fired(bid, event)) is False and (left := until - monotonic()) > 0:
        await pause(min(interval, left))
        interval = min(interval * 1.5, _LAST_LOOK)
    return bool(fired)


async def send_all_back(
    config: Config, chosen: Filter, *, dry_run: bool = False, on_progress: Progress | None = None
) -> int:
    """Send the chosen jobs of the retry set and the dead set back to their queues, and return how many.

    `on_progress` hears of both walks as of one; if it returns False, both are over.
    """
    sizes = {key: await jobsets.size(key) for key in (keys.retry(), keys.dead())}
    total, taken, before, is_stopped = sum(sizes.values()), 0, 0, False

    def told(done: int, _: int) -> bool:
        nonlocal is_stopped
        is_stopped = on_progress is not None and on_progress(min(before + done, total), total) is False
        return not is_stopped

    for key, size in sizes.items():
        taken += await send_back(config, key, chosen, dry_run=dry_run, on_progress=told)
        if is_stopped:
            break
        before += size
    return taken


async def send_back(
    config: Config, key: Key, chosen: Filter, *, dry_run: bool = False, on_progress: Progress | None = None
) -> int:
    """Send the chosen jobs of a set back to their queues, and return how many. Uses up no retries."""

    async def act(some: Sequence[Chosen]) -> int:
        return await moves.enqueue_some(config, key, [job for job, _ in some], take_back=True)

    return await take_from_set(key, chosen, act, dry_run=dry_run, on_progress=on_progress)
