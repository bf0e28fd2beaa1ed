"""Processes: the set of their identities, and for each its hash, its running work and the signals sent to it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from teep.errors import MalformedPayload
from teep.store import leader
from teep.wire import commands, json, keys, payload, scripts
from teep.wire.command import Arg, Command
from teep.wire.stored import Stored

HEARTBEAT_EXPIRY = 60
SIGNAL_EXPIRY = 60
CLEANUP_INTERVAL = 60
# A running job of up to so many bytes is shown whole in a heartbeat. Every server takes a megabyte, and a quotation
# mark in the job becomes four bytes.
_SHOWN = 1 << 17
# Characters of a note of progress.
_NOTE = 200
# The end of what a calendar has (epoch seconds).
_LATEST = 253_402_300_799


class ProcessHash(NamedTuple):
    """One process as its hash shows it: `info` as it declared itself, the rest as of its last heartbeat."""

    info: Mapping[str, Any]
    busy: int
    beat: float
    quiet: bool
    rss: int
    rtt_us: int
    concurrency: int | None
    late: int


class Reported(NamedTuple):
    """What a running job last told of its progress: a share from 0 to 1, a note, and when (epoch seconds)."""

    done: float
    note: str
    at: float


class RunningJob(NamedTuple):
    """A running job: where, since when (epoch seconds), its payload's bytes, and its progress if it told any."""

    identity: str
    thread_id: str
    queue: str
    payload: bytes
    run_at: float
    progress: Reported | None = None


async def beat(identity: str, fields: Mapping[str, Arg], work: Mapping[str, bytes]) -> bool:
    """Write a heartbeat and the running work; False if the process had expired, or never was. One round trip.

    The work is sent once, and stored under two names: that of Sidekiq >= 6.5, and that of Sidekiq <= 6.4.
    """
    replies = await commands.transaction(
        commands.exists(keys.process(identity)),
        commands.sadd(keys.processes(), identity),
        commands.hset(keys.process(identity), fields),
        commands.expire(keys.process(identity), HEARTBEAT_EXPIRY),
        *_write_work(identity, work),
    )
    return bool(replies[0])


async def keep_alive(identity: str, beat: float) -> bool:
    """Send a heartbeat on behalf of a process that cannot; False if it had expired. One round trip.

    The rest of its last heartbeat stays, its running work too.
    """
    known = await commands.pipeline(
        scripts.keep_alive(keys.process(identity), HEARTBEAT_EXPIRY, repr(beat)),
        commands.expire(keys.work(identity), HEARTBEAT_EXPIRY),
        commands.expire(keys.work_of_sidekiq_6(identity), HEARTBEAT_EXPIRY),
    )
    return known[0]


async def prolong(identity: str) -> bool:
    """Keep a process from expiring; False if it had expired, or never was. One round trip.

    A Redis that is out of memory takes this, but no heartbeat.
    """
    return bool(await commands.expire(keys.process(identity), HEARTBEAT_EXPIRY))


def _write_work(identity: str, work: Mapping[str, bytes]) -> list[Command[int]]:
    key, copy = keys.work(identity), keys.work_of_sidekiq_6(identity)
    if not work:
        return [commands.unlink(key, copy)]
    return [
        commands.unlink(key),
        commands.hset(key, work),
        commands.expire(key, HEARTBEAT_EXPIRY),
        commands.copy(key, copy),
    ]


def work_entry(queue: str, raw: bytes, run_at: float, progress: Reported | None = None) -> bytes:
    """Return a running job as it is written into the work hash.

    A large job is shown without its arguments: they grow inside another JSON, and a heartbeat must not be too large
    for a server. Sidekiq has no progress; its API and Web UI read the other fields by their names.
    """
    shown = raw if len(raw) <= _SHOWN else _without_arguments(raw)
    entry = {"queue": queue, "payload": shown.decode(errors="replace"), "run_at": int(run_at)}
    if progress is not None:
        note = progress.note[:_NOTE].encode(errors="replace").decode()
        entry["progress"] = {"done": progress.done, "note": note, "at": progress.at}
    return json.dumps(entry)


async def report(identity: str, work: Mapping[str, bytes]) -> None:
    """Write some entries of the work hash anew, between two heartbeats. One round trip.

    An entry of a job that has just ended stays until the next heartbeat, as any does.
    """
    key = keys.work(identity)
    await commands.pipeline(commands.hset(key, work), commands.expire(key, HEARTBEAT_EXPIRY))


def _without_arguments(raw: bytes) -> bytes:
    item = Stored(raw).item
    if item is None:
        return b"{}"
    few = {name: item[name] for name in ("class", "jid", "queue", "wrapped") if isinstance(item.get(name), str)}
    return payload.serialise(few | {"args": []})


async def leave(identity: str) -> None:
    """Take a process that ended, or was rescued, out of the set. Its hash expires by itself, as Sidekiq's does."""
    await commands.pipeline(
        commands.srem(keys.processes(), identity),
        commands.unlink(keys.work(identity), keys.work_of_sidekiq_6(identity)),
    )


class Message(NamedTuple):
    """A message to a process: a signal's name, or a cancelled job's jid."""

    is_signal: bool
    text: str


def next_message(identity: str, seconds: int, *, signals: bool) -> Command[Message | None]:
    """Return the command that waits up to `seconds` for a message to this process, and takes it.

    Without `signals`, for a cancelled jid only.
    """
    lists = [keys.signals(identity), keys.cancels(identity)] if signals else [keys.cancels(identity)]
    return commands.brpop_text(lists, seconds, lambda key, text: Message(key == keys.signals(identity), text))


async def send_signal(identity: str, name: str) -> None:
    """Send a signal by name, such as TSTP; it expires if no process takes it."""
    await commands.transaction(
        commands.lpush(keys.signals(identity), name), commands.expire(keys.signals(identity), SIGNAL_EXPIRY)
    )


async def signal_all(listed: Sequence[str], name: str) -> None:
    """Send a signal to many processes. One round trip."""
    await commands.pipeline_of(
        command
        for identity in listed
        for command in (
            commands.lpush(keys.signals(identity), name),
            commands.expire(keys.signals(identity), SIGNAL_EXPIRY),
        )
    )


async def identities() -> list[str]:
    """Return the identities in the process set, sorted; some may have died since."""
    return sorted(await commands.smembers(keys.processes()))


async def count() -> int:
    return await commands.scard(keys.processes())


async def get(identity: str) -> ProcessHash | None:
    """Return one process, or None if it is unknown or its heartbeat has expired."""
    known, fields = await commands.pipeline(
        commands.sismember(keys.processes(), identity), commands.hgetall(keys.process(identity))
    )
    return _process(fields) if known else None


async def listing() -> list[ProcessHash]:
    """Return every live process, by identity. Two round trips."""
    hashes = await commands.pipeline_of(commands.hgetall(keys.process(identity)) for identity in await identities())
    return [process for fields in hashes if (process := _process(fields)) is not None]


async def cleanup() -> int:
    """Drop processes whose heartbeat has expired from the set, at most once a minute among all callers.

    Returns how many were dropped.
    """
    if not await _cleanup_is_due():
        return 0
    return await _drop_expired(await identities())


async def _drop_expired(listed: Sequence[str]) -> int:
    infos = await commands.pipeline_of(commands.hget(keys.process(identity), "info") for identity in listed)
    gone = [identity for identity, info in zip(listed, infos, strict=True) if info is None]
    return await commands.srem(keys.processes(), *gone) if gone else 0


def _cleanup_is_due() -> Command[bool]:
    """Return the command that says whether this caller is to clean up; all others are not for a while.

    It may be sent twice: if the first answer is lost, nobody cleans up for that while.
    """
    return commands.set_if_absent(keys.process_cleanup(), "1", CLEANUP_INTERVAL, repeatable=True)


async def find(jid: str) -> RunningJob | None:
    """Return the running job with this jid as of the last heartbeats, or None. Two round trips."""
    needle = payload.jid_bytes(jid)
    found = (job for job in await running() if needle in job.payload and Stored(job.payload).jid == jid)
    return next(found, None)


async def running() -> list[RunningJob]:
    """Return every job that ran at the last heartbeats, the longest-running first. Two round trips.

    Reads the hash names of all Sidekiq versions. A process writes one of them or, as teep does, both alike.
    """
    listed = await identities()
    hashes = await commands.pipeline_of(
        commands.hgetall(key(identity)) for identity in listed for key in (keys.work, keys.work_of_sidekiq_6)
    )
    return _running((name, hashes[2 * index] or hashes[2 * index + 1]) for index, name in enumerate(listed))


class Fleet(NamedTuple):
    """Every live process by identity, what runs (the longest-running first), the leaders, and the paused queues."""

    processes: list[ProcessHash]
    running: list[RunningJob]
    leaders: tuple[str, ...]
    paused: frozenset[str]


async def fleet(*, clean: bool) -> Fleet:
    """Return all of it. Two round trips, and a third if there may be processes of Sidekiq <= 6.4 that work.

    `clean` also drops processes whose heartbeat has expired, if that is due: two round trips more.
    """
    reads: list[Command[Any]] = [
        commands.smembers(keys.processes()),
        commands.smembers(keys.paused()),
        *([_cleanup_is_due()] if clean else []),
        *leader.reads(),
    ]
    names, paused, *rest = await commands.pipeline_of(reads)
    is_due, leaders = (rest[:1], rest[1:]) if clean else ([], rest)
    listed = sorted(names)
    if any(is_due):
        await _drop_expired(listed)
    hashes = await commands.pipeline_of(
        commands.hgetall(key(identity)) for identity in listed for key in (keys.process, keys.work)
    )
    found = [(identity, _process(hashes[2 * index])) for index, identity in enumerate(listed)]
    work = dict(zip(listed, hashes[1::2], strict=True))
    if old := [
        identity for identity, process in found if process is not None and process.busy and not work[identity]
    ]:
        others = await commands.pipeline_of(commands.hgetall(keys.work_of_sidekiq_6(identity)) for identity in old)
        work |= zip(old, others, strict=True)
    return Fleet(
        [process for _, process in found if process is not None],
        _running(work.items()),
        leader.leading(leaders),
        frozenset(paused),
    )


def _running(work: Iterable[tuple[str, Mapping[str, bytes]]]) -> list[RunningJob]:
    jobs = (_work(identity, thread_id, raw) for identity, fields in work for thread_id, raw in fields.items())
    return sorted((job for job in jobs if job is not None), key=lambda job: job.run_at)


def _process(fields: Mapping[str, bytes]) -> ProcessHash | None:
    try:
        info = json.loads(fields["info"])
        concurrency = fields.get("concurrency")
        return (
            ProcessHash(
                info=info,
                busy=int(fields.get("busy", 0)),
                beat=float(fields.get("beat", 0)),
                quiet=fields.get("quiet") == b"true",
                rss=int(fields.get("rss", 0)),
                rtt_us=int(fields.get("rtt_us", 0)),
                concurrency=None if concurrency is None else int(concurrency),
                late=int(fields.get("late", 0)),
            )
            if isinstance(info, dict)
            else None
        )
    except (KeyError, ValueError, MalformedPayload):  # expired, or damaged: no reason to hide the others
        return None


def _work(identity: str, thread_id: str, raw: bytes) -> RunningJob | None:
    try:
        value = json.loads(raw)
        job = value["payload"]
        # Sidekiq before 6 nested the payload itself instead of its JSON.
        raw_payload = job.encode() if isinstance(job, str) else json.dumps(job)
        progress = _progress(value.get("progress"))
        return RunningJob(identity, thread_id, str(value["queue"]), raw_payload, float(value["run_at"]), progress)
    except (MalformedPayload, LookupError, TypeError, ValueError, OverflowError):  # damaged, as above
        return None


def _progress(value: Any) -> Reported | None:
    """Return what a job told of its progress, None if it is nothing that teep has written."""
    try:
        done, at = float(value["done"]), float(value["at"])
        return Reported(done, str(value["note"]), at) if 0 <= done <= 1 and 0 <= at < _LATEST else None
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
