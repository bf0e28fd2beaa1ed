"""Every Redis key teep reads or writes, as a function; its Redis type stands in the comment.

Sidekiq's keys have Sidekiq's names. Keys of our own are named after what they accompany, with braces that
put them into the same Redis Cluster slot.
"""

from datetime import date, datetime


def queues() -> str:  # set of queue names
    return "queues"


def queue(name: str) -> str:  # list of payloads, newest at the head
    return f"queue:{name}"


def paused() -> str:  # set of queue names
    return "paused"


def schedule() -> str:  # zset payload -> due time, epoch seconds
    return "schedule"


def retry() -> str:  # zset payload -> due time, epoch seconds
    return "retry"


def dead() -> str:  # zset payload -> time of death, epoch seconds
    return "dead"


def processed() -> str:  # string int
    return "stat:processed"


def failed() -> str:  # string int
    return "stat:failed"


def expired() -> str:  # string int: jobs dropped since it was too late for them (teep's own)
    return "stat:expired"


def processed_on(day: date) -> str:  # string int, UTC day
    return f"stat:processed:{day.isoformat()}"


def failed_on(day: date) -> str:  # string int, UTC day
    return f"stat:failed:{day.isoformat()}"


def expired_on(day: date) -> str:  # string int, UTC day (teep's own)
    return f"stat:expired:{day.isoformat()}"


def processes() -> str:  # set of identities
    return "processes"


def process(identity: str) -> str:  # hash: info, busy, beat, rtt_us, quiet, rss, concurrency
    return identity


def work(identity: str) -> str:  # hash tid -> {"queue", "payload", "run_at"}
    return f"{identity}:work"


def work_of_sidekiq_6(identity: str) -> str:  # hash, the same, where Sidekiq <= 6.4 reads it
    return f"{identity}:workers"


def signals(identity: str) -> str:  # list of signal names
    return f"{identity}-signals"


def cancels(identity: str) -> str:  # list of jids (teep's own: Ruby takes what lies in the list of signals for one)
    return f"{{{signals(identity)}}}:cancels"


def process_cleanup() -> str:  # string "1", a lock that expires
    return "process_cleanup"


def leader() -> str:  # string identity
    return "dear-leader"


def unique(digest: str) -> str:  # string jid, a lock that expires; Sidekiq Enterprise's has the same prefix
    return f"unique:{digest}"


def iteration(jid: str) -> str:  # hash: ex, c, rt, cancelled
    return f"it-{jid}"


def metrics_minute(at: datetime) -> str:  # hash "<class>|p" (also f, ms) -> int, a UTC minute; Sidekiq >= 8
    return f"j|{at:%y%m%d}|{at.hour}:{at:%M}"


def metrics_ten_minutes(at: datetime) -> str:  # the same of ten UTC minutes; Sidekiq >= 8
    return f"j|{at:%y%m%d}|{at.hour}:{at.minute // 10}"


def metrics_minute_of_sidekiq_7(at: datetime) -> str:  # the minute's hash as Sidekiq 7 names it
    return f"j|{at:%Y%m%d}|{at.hour}:{at.minute}"


def histogram(job: str, at: datetime) -> str:  # string of 26 big-endian u16, a class and UTC minute; Sidekiq >= 8
    return f"h|{job}-{at.day}-{at.hour}:{at.minute}"


def histogram_of_sidekiq_7(job: str, at: datetime) -> str:  # the same as Sidekiq 7 names it
    return f"{job}-{at:%d-%H}:{at.minute}"


def metrics_written(identity: str) -> str:  # string: the number of what a process added last (teep's own)
    return f"teep:metrics:{identity}"


def deploy_marks(day: date) -> str:  # hash ISO 8601 minute -> label, a UTC day
    return f"{day:%Y%m%d}-marks"


def deploy_lock(label: str) -> str:  # string, a lock that expires
    return f"deploylock-{label}"


def profiles() -> str:  # zset "<token>-<jid>" -> expiry, epoch seconds
    return "profiles"


def profile(key: str) -> str:  # hash: started_at, token, type, jid, elapsed, data, size
    return key


def inflight(queue_name: str, identity: str) -> str:  # list of payloads, oldest at the head (teep's own)
    return f"{{queue:{queue_name}}}:inflight:{identity}"


def inflight_parts(key: bytes) -> tuple[str, str] | None:
    """Return what an `inflight` key is made of, (queue name, identity); None for what is not UTF-8, so not teep's."""
    try:
        # The last separator: a queue's name may hold anything, an identity no brace.
        queue_name, _, identity = key.decode().removeprefix("{queue:").rpartition("}:inflight:")
    except UnicodeDecodeError:
        return None
    return queue_name, identity


def inflight_walk() -> str:  # string int, where the walk in search of such lists is (teep's own)
    return "teep:inflight:walk"


def suspects(identity: str) -> str:  # set of jids: rescued jobs that this process has started (teep's own)
    return f"teep:inflight:{identity}:suspects"


def inflight_owners() -> str:  # hash identity -> JSON of the process and its queues (teep's own)
    return "teep:inflight"
