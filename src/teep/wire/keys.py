"""Every Redis key teep reads or writes, as a function; its Redis type stands in the comment.

Sidekiq's keys have Sidekiq's names. Keys of teep's own are named after the key that they belong to, with braces that
put them into the same Redis Cluster slot. Commands take a `Key`, so none is built anywhere else.
"""

from datetime import date, datetime
from typing import Literal, NewType, get_args

Key = NewType("Key", str)
"""The name of a key, as sent."""


def queues() -> Key:  # set of queue names
    return Key("queues")


def queue(name: str) -> Key:  # list of payloads, newest at the head
    return Key(f"queue:{name}")


def paused() -> Key:  # set of queue names
    return Key("paused")


def schedule() -> Key:  # zset payload -> due time, epoch seconds
    return Key("schedule")


def retry() -> Key:  # zset payload -> due time, epoch seconds
    return Key("retry")


def dead() -> Key:  # zset payload -> time of death, epoch seconds
    return Key("dead")


def processed() -> Key:  # string int
    return Key("stat:processed")


def failed() -> Key:  # string int
    return Key("stat:failed")


def expired() -> Key:  # string int: jobs dropped since it was too late for them (teep's own)
    return Key("stat:expired")


def processed_on(day: date) -> Key:  # string int, UTC day
    return Key(f"stat:processed:{day.isoformat()}")


def failed_on(day: date) -> Key:  # string int, UTC day
    return Key(f"stat:failed:{day.isoformat()}")


def expired_on(day: date) -> Key:  # string int, UTC day (teep's own)
    return Key(f"stat:expired:{day.isoformat()}")


def processes() -> Key:  # set of identities
    return Key("processes")


def process(identity: str) -> Key:  # hash: info, busy, beat, rtt_us, quiet, rss, concurrency
    return Key(identity)


def work(identity: str) -> Key:  # hash tid -> {"queue", "payload", "run_at"}
    return Key(f"{identity}:work")


def work_of_sidekiq_6(identity: str) -> Key:  # hash, the same, where Sidekiq <= 6.4 reads it
    return Key(f"{identity}:workers")


def signals(identity: str) -> Key:  # list of signal names
    return Key(f"{identity}-signals")


def cancels(identity: str) -> Key:  # list of jids (teep's own: Ruby takes anything in the list of signals for one)
    return Key(f"{{{signals(identity)}}}:cancels")


def process_cleanup() -> Key:  # string "1", a lock that expires
    return Key("process_cleanup")


Lease = Literal["teep:leader", "dear-leader"]
"""The names of the leases of a leader: teep's own, and Sidekiq Enterprise's."""
LEASES: tuple[Lease, ...] = get_args(Lease)


def leader(lease: Lease = LEASES[0]) -> Key:  # string identity, a lease
    return Key(lease)


def leader_term() -> Key:  # string int: how often the lease has been taken (teep's own)
    return Key("teep:leader:term")


def leader_preferred() -> Key:  # string identity: a preferred process that waits for the lease, expires (teep's own)
    return Key("teep:leader:preferred")


def unique(digest: str) -> Key:  # string jid, a lock that expires; Sidekiq Enterprise's has the same prefix
    return Key(f"unique:{digest}")


def result(jid: str) -> Key:  # list of one JSON record: how a job ended, and what it returned; expires (teep's own)
    return Key(f"teep:result:{jid}")


def django_task(jid: str) -> Key:  # hash: the attempts of one of Django's tasks; expires (teep's own)
    return Key(f"teep:task:{jid}")


def iteration(jid: str) -> Key:  # hash: ex, c, rt, cancelled
    return Key(f"it-{jid}")


def metrics_minute(at: datetime) -> Key:  # hash "<class>|p" (also f, ms) -> int, a UTC minute; Sidekiq >= 8
    return Key(f"j|{at:%y%m%d}|{at.hour}:{at:%M}")


def metrics_ten_minutes(at: datetime) -> Key:  # the same of ten UTC minutes; Sidekiq >= 8
    return Key(f"j|{at:%y%m%d}|{at.hour}:{at.minute // 10}")


def metrics_minute_of_sidekiq_7(at: datetime) -> Key:  # the minute's hash as Sidekiq 7 names it
    return Key(f"j|{at:%Y%m%d}|{at.hour}:{at.minute}")


def histogram(job: str, at: datetime) -> Key:  # string of 26 big-endian u16, a class and UTC minute; Sidekiq >= 8
    return Key(f"h|{job}-{at.day}-{at.hour}:{at.minute}")


def histogram_of_sidekiq_7(job: str, at: datetime) -> Key:  # the same as Sidekiq 7 names it
    return Key(f"{job}-{at:%d-%H}:{at.minute}")


def metrics_written(identity: str) -> Key:  # string: the number of the batch that a process added last (teep's own)
    return Key(f"teep:metrics:{identity}")


def history_minutes(at: datetime) -> Key:  # hash "MM" -> JSON of a minute, a UTC hour (teep's own)
    return Key(f"teep:history:m:{at:%Y%m%d%H}")


def history_hours(day: date) -> Key:  # hash "HH" -> JSON of an hour, a UTC day (teep's own)
    return Key(f"teep:history:d:{day:%Y%m%d}")


def history_last() -> Key:  # hash: p, f, the counters at the last sample; it expires (teep's own)
    return Key("teep:history:last")


def deploy_marks(day: date) -> Key:  # hash ISO 8601 minute -> label, a UTC day
    return Key(f"{day:%Y%m%d}-marks")


def deploy_lock(label: str) -> Key:  # string, a lock that expires
    return Key(f"deploylock-{label}")


def profiles() -> Key:  # zset "<token>-<jid>" -> expiry, epoch seconds
    return Key("profiles")


def profile(key: str) -> Key:  # hash: started_at, token, type, jid, elapsed, data, size
    return Key(key)


def inflight(queue_name: str, identity: str) -> Key:  # list of payloads, oldest at the head (teep's own)
    return Key(f"{{queue:{queue_name}}}:inflight:{identity}")


def inflight_parts(key: bytes) -> tuple[str, str] | None:
    """Return the parts of an `inflight` key, (queue name, identity); None if it is not UTF-8, so not teep's."""
    try:
        # The last separator: a queue's name may hold anything, an identity no brace.
        queue_name, _, identity = key.decode().removeprefix("{queue:").rpartition("}:inflight:")
    except UnicodeDecodeError:
        return None
    return queue_name, identity


def inflight_walk() -> Key:  # string int, the place of the walk in search of such lists (teep's own)
    return Key("teep:inflight:walk")


def suspects(identity: str) -> Key:  # set of jids: rescued jobs that this process has started (teep's own)
    return Key(f"teep:inflight:{identity}:suspects")


def inflight_owners() -> Key:  # hash identity -> JSON of the process and its queues (teep's own)
    return Key("teep:inflight")


def periodic() -> Key:  # hash name -> JSON of a periodic job's entry (teep's own, as the six below)
    return Key("teep:periodic")


def periodic_last() -> Key:  # hash name -> its last tick, epoch seconds
    return Key("teep:periodic:last")


def periodic_paused() -> Key:  # set of names
    return Key("teep:periodic:paused")


def periodic_seen() -> Key:  # hash name -> the last leader's term that declared it; static entries only
    return Key("teep:periodic:seen")


def periodic_version() -> Key:  # string int: how often entries have changed
    return Key("teep:periodic:version")


def periodic_runs(name: str) -> Key:  # hash jid -> "tick queued-at state ended-at", the last 25 runs of an entry
    return Key(f"teep:periodic:runs:{name}")


def batches() -> Key:  # zset bid -> when it was made, epoch seconds (teep's own, as the six below)
    return Key("teep:batches")


def batch(bid: str) -> Key:  # hash: created_at, about, total, bits, discarded, linger, parent, on:EVENT, fired:EVENT
    return Key(f"{{teep:batch:{bid}}}")


Companion = Literal["pending", "failed", "dead", "children", "fallen", "openers"]


def batch_set(bid: str, of: Companion) -> Key:  # set of jids, or of bids; openers: zset token -> lease's end, ms
    return Key(f"{batch(bid)}:{of}")


def batch_bits(bid: str) -> Key:  # string: a bit for each index in a batch, which is set while the job is pending
    return Key(f"{batch(bid)}:bits")


def workflows() -> Key:  # zset bid of a batch that is a workflow -> when it was made, epoch seconds (teep's own)
    return Key("teep:workflows")


WorkflowPart = Literal["nodes", "payloads", "states", "open", "gates", "dependants", "cancelled", "subs"]


def workflow_part(bid: str, of: WorkflowPart) -> Key:  # hash name of a node -> ...; cancelled: set of names
    return Key(f"{batch(bid)}:{of}")


def web_secret() -> Key:  # string, hex: what signs the web page's forms (teep's own)
    return Key("teep:web:secret")


def web_action(name: str) -> Key:  # hash: state (JSON), cancelled: an action on many jobs (teep's own)
    return Key(f"teep:web:action:{name}")


def limits() -> Key:  # zset name of a limiter -> when it is forgotten, epoch microseconds (teep's own)
    return Key("teep:limits")


def limit(name: str) -> Key:  # hash: a limiter as it was declared last, what is used of it, an override (teep's own)
    return Key(f"teep:limit:{name}")


def limit_line(name: str) -> Key:  # zset: those that wait for a limiter, and those that hold it (teep's own)
    return Key(f"{{{limit(name)}}}:line")


def limit_bell(name: str, holder: str) -> Key:  # list "1": one that waits for a limiter may ask again (teep's own)
    return Key(f"{{{limit(name)}}}:bell:{holder}")


def limits_held(identity: str) -> Key:  # set of the lines that a process holds something in (teep's own)
    return Key(f"teep:limits:{identity}")
