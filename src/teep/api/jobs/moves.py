"""Plans that enqueue or kill jobs of a set: one, some, or all of them. One of a queue is killed in `records`."""

import time
from collections.abc import Sequence

from teep.client.payloads.rewrite import again
from teep.config import Config
from teep.config.handlers import notify_death
from teep.errors import JobKilled, MalformedPayload
from teep.store.jobs import jobsets
from teep.store.jobs.jobsets import Enqueued, Verdict
from teep.wire.keys import Key
from teep.wire.stored import Stored


async def enqueue(config: Config, key: Key, raw: bytes, *, take_back: bool) -> bool:
    """Move one job to its queue; True if it was still in the set."""
    stored = Stored(raw)
    try:
        stored.parsed()
    except MalformedPayload as error:
        raise MalformedPayload(f"no queue can take this entry ({error}); delete or kill it") from error
    return bool(await enqueue_some(config, key, [stored], take_back=take_back))


async def enqueue_some(config: Config, key: Key, jobs: Sequence[Stored], *, take_back: bool) -> int:
    """Move jobs of a set to their queues; returns how many were still there. Bytes that are no job stay.

    A job that a client middleware stops is dropped, as in Sidekiq.
    """
    verdicts = [(job.raw, again(config, job, take_back=take_back)) for job in jobs]
    moves = [(raw, verdict) for raw, verdict in verdicts if isinstance(verdict, Enqueued)]
    drops = [raw for raw, verdict in verdicts if verdict is Verdict.DROP]
    dropped = await jobsets.delete_some(key, drops) if drops else 0
    return dropped + (sum((await jobsets.enqueue(key, moves)).checked()) if moves else 0)


async def enqueue_all(config: Config, key: Key, *, take_back: bool) -> int:
    """Move every job of a set to its queue; bytes that are no job stay. Returns how many moved."""
    return await jobsets.enqueue_all(key, lambda raw: again(config, Stored(raw), take_back=take_back))


async def kill(config: Config, key: Key, raw: bytes) -> bool:
    """Move one job to the dead set; True if it was still in the set."""
    now = time.time()
    (killed,) = (await jobsets.kill(key, [raw], now)).checked()
    if killed:
        await buried(config, Stored(raw), now)
    return killed


async def buried(config: Config, job: Stored, now: float) -> None:
    """Do what comes after one job went to the dead set: that is trimmed, and the death handlers hear of it."""
    await jobsets.trim_dead(now, config.dead_limits)
    notify(config, job, JobKilled("Job killed by API"))


async def kill_all(config: Config, key: Key, *, notify_failure: bool, ex: BaseException | None) -> int:
    """Move every job of a set to the dead set and trim that once; returns how many moved."""
    now = time.time()
    reason = ex or JobKilled("Job killed by API")

    def moved_one(raw: bytes) -> None:
        if notify_failure:
            notify(config, Stored(raw), reason)

    moved = await jobsets.kill_all(key, now, moved_one)
    await jobsets.trim_dead(now, config.dead_limits)
    return moved


def notify(config: Config, stored: Stored, reason: BaseException) -> None:
    """Tell the death handlers of a job, unless these bytes are no job."""
    if stored.item is not None:
        notify_death(config, stored.item, reason)
