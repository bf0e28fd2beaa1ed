"""The job payload: its fields, their validation, and how a job's states follow from each other.

1. `Item` is a parsed payload: a dict in wire order, with every field that anyone put there.
2. `parse` reads one, `normalise` makes one from a caller's mapping, `serialise` writes it.
3. `scheduled`, `queued`, `failed` and `taken_back` are the transitions; each returns a new dict.
4. `rescued` alone works on the bytes: a rescue leaves all of a job as it was, down to the spaces.

Timestamps: a JSON float is epoch seconds, a JSON integer epoch milliseconds (Sidekiq 8). Scores are always seconds.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from teep.errors import InvalidJob, MalformedPayload
from teep.wire import json, options

Item = dict[str, Any]
TimeUnit = Literal["seconds", "milliseconds"]

# The first epoch second after the end of Python's calendar; present times in milliseconds are larger.
_YEAR_10000 = 253_402_300_800
_ERROR_MESSAGE_CHARS = 10_000
# The mark of a rescue where `rescued` puts it: before the brace that ends the payload.
_MARK = re.compile(rb',"rescues":\d+}$')


def new_jid(now: float, randomness: bytes) -> str:
    """Return a jid: 12 hex digits of epoch milliseconds and 12 of `randomness` (6 bytes).

    The time in front lets a search go to the place in the queue where a job of that age must lie.
    """
    return f"{int(now * 1000):012x}{randomness.hex()}"


def new_jids(now: float, randomness: bytes) -> list[str]:
    """Return as many jids as there are 6 bytes of `randomness`."""
    time, digits = f"{int(now * 1000):012x}", randomness.hex()
    return [time + digits[start : start + 12] for start in range(0, len(digits), 12)]


# A jid that holds a time holds one in here; of Ruby's random ones, 1 in 200 seems to, which costs a vain look.
_JID_TIMES = (1_577_836_800.0, 2_840_140_800.0)  # the years 2020 to 2060


def jid_time(jid: str) -> float | None:
    """Return the epoch seconds at which a jid was made, or None if it holds no time."""
    try:
        born = int(jid[:12], 16) / 1000
    except ValueError:
        return None
    return born if len(jid) == 24 and _JID_TIMES[0] <= born <= _JID_TIMES[1] else None


def jid_needle(jid: str) -> bytes:
    """Return the bytes to search payloads for to find a jid: its tail from a rare digit on, if it has one.

    Lua looks for a string's first byte first, and the "0" that teep's jids begin with stands in every timestamp: this
    takes a sixth off a search. Other payloads may hold it too, so check each match.
    """
    for digit in "bf":
        if 0 <= (start := jid.find(digit)) <= len(jid) - 8:
            return jid_bytes(jid[start:])
    return jid_bytes(jid)


def jid_bytes(jid: str) -> bytes:
    """Return the bytes of a jid. One with a lone surrogate has some, too, which are in no payload."""
    return jid.encode("utf-8", "surrogatepass")


def parse(raw: bytes) -> Item:
    """Return the payload in `raw`.

    Raises:
        MalformedPayload: it is not JSON, not an object, or lacks `class` or `args`.
    """
    item: Item = json.loads(raw)
    if problem := problem_of(item):
        raise MalformedPayload(problem)
    return item


def problem_of(value: Any) -> str:
    """Return why a JSON value is no job, or "": it is one."""
    if type(value) is not dict:
        return "not a JSON object"
    if type(value.get("class")) is not str or type(value.get("args")) is not list:
        return "no `class` string or no `args` array"
    return ""


def serialise(item: Item) -> bytes:
    """Return the payload's bytes as Ruby would write them."""
    return json.dumps(item)


def normalise(given: Mapping[str, Any], defaults: Mapping[str, Any], jid: str, now: float, unit: TimeUnit) -> Item:
    """Return the complete payload of a job that is pushed, in Sidekiq's order: defaults, given, jid, created_at.

    `at` stays in it until `queued` or `scheduled` takes it out. A `jid` or `created_at` that was given is kept.

    Raises:
        InvalidJob: a field is missing or of the wrong kind.
        InvalidArguments: a value is not plain JSON.
    """
    validate(given)
    item: Item = {"retry": True, "queue": "default", **defaults, **given}
    json.check_fields(item)
    options.check(item)
    item.pop("transactional", None)  # says how it is pushed, which no worker needs to know
    identify(item, jid, now, unit)
    return item


def identify(item: Item, jid: str, now: float, unit: TimeUnit) -> None:
    """Give a job that is pushed a `jid` and `created_at`, if it has none."""
    for name, value in (("jid", jid), ("created_at", stamp(now, unit))):
        if item.get(name) is None:
            item[name] = value


def validate_kind(given: object) -> None:
    """Refuse a job that is no mapping."""
    if not isinstance(given, Mapping):
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        raise InvalidJob(f'a job is a mapping such as {{"class": "SomeJob", "args": [1]}}, not {shown}')


def validate(given: Mapping[str, Any]) -> None:
    """Refuse a pushed mapping that is no job."""
    validate_kind(given)
    if not isinstance(given.get("class"), str) or not given["class"]:
        raise InvalidJob(
            f'a job needs "class": the name of the job class, a string, not {type(given.get("class")).__name__}'
        )
    if not isinstance(given.get("args"), list):
        raise InvalidJob(f'"args" of {given["class"]} must be a list, not {type(given.get("args")).__name__}')
    if given.get("at") is not None:
        validate_time(given["at"])


def validate_time(at: Any) -> None:
    """Refuse a value that is no epoch time, or one of milliseconds."""
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        raise InvalidJob(f'"at" must be epoch seconds, a number, not {at!r}')
    if not -_YEAR_10000 < at < _YEAR_10000:
        shown = at if isinstance(at, float) or at.bit_length() < 64 else "such a number"
        raise InvalidJob(f"{shown} is no time before the year 10000; give epoch seconds, not milliseconds")


def stamp(now: float, unit: TimeUnit) -> float | int:
    """Return a timestamp as it is written into a payload."""
    return int(now * 1000) if unit == "milliseconds" else float(now)


def read_stamp(value: Any) -> float | None:
    """Return a payload's timestamp in epoch seconds, whichever Sidekiq wrote it, or None."""
    if type(value) is float:
        return value
    if type(value) is int and value.bit_length() < 64:
        return value / 1000
    return None


def waiting_since(item: Mapping[str, Any]) -> float | None:
    """Return when a job was enqueued, else created, in epoch seconds."""
    return read_stamp(item.get("enqueued_at", item.get("created_at")))


def latency(item: Mapping[str, Any], now: float) -> float:
    """Return how long (seconds) a job has waited: since it was enqueued, else created."""
    since = waiting_since(item)
    return 0.0 if since is None else max(0.0, now - since)


def scheduled(item: Item) -> Item:
    """Return the payload as it lies in the scheduled set."""
    return {name: value for name, value in item.items() if name not in ("at", "enqueued_at")}


def queued(item: Item, now: float, unit: TimeUnit) -> Item:
    """Return the payload as it lies in its queue from `now` on."""
    after = dict(item)
    after.pop("at", None)
    after["enqueued_at"] = stamp(now, unit)
    return after


def taken_back(item: Item) -> Item:
    """Return the payload of a retry or dead job that someone sends back to its queue by hand.

    Sidekiq takes the attempt back, so that the job has as many retries left as before.
    """
    if type(count := item.get("retry_count")) is not int:
        return item
    return item | {"retry_count": count - 1}


def failed(
    item: Item, queue: str, error_class: str, message: str, backtrace: str | None, now: float, unit: TimeUnit
) -> Item:
    """Return the payload after one more failure: error fields, times and retry_count (0 after the first).

    Its `queue` becomes the queue for its retries, else the one that it was taken from.
    """
    after = dict(item)
    after.pop("rescues", None)  # it failed like any job, so it does not kill processes
    retry_queue = after.get("retry_queue")
    after["queue"] = retry_queue if retry_queue and isinstance(retry_queue, str) else queue
    after["error_message"] = message[:_ERROR_MESSAGE_CHARS].encode(errors="replace").decode()
    after["error_class"] = error_class
    if type(count := after.get("retry_count")) is int:
        after["retried_at"] = stamp(now, unit)
        after["retry_count"] = count + 1
    else:
        after["failed_at"] = stamp(now, unit)
        after["retry_count"] = 0
    if backtrace is not None:
        after["error_backtrace"] = backtrace
    return after


def executed_class(item: Mapping[str, Any]) -> str:
    """Return the class that a job runs: the wrapped one if it has a wrapper, such as Ruby's ActiveJob."""
    wrapped = item.get("wrapped")
    return wrapped if wrapped and type(wrapped) is str else str(item["class"])


def rescues(item: Mapping[str, Any]) -> int:
    """Return how often a job was rescued from a process that died and may have died of it; 0 for most jobs."""
    count = item.get("rescues")
    return count if type(count) is int and count > 0 else 0


def rescued(raw: bytes, item: Item, count: int) -> bytes:
    """Return a job's bytes with `count` as its rescues: a last field, every other byte as it was.

    The payload is written anew only if another producer has written fields behind the mark.
    """
    body = raw.rstrip(b" \t\r\n")
    if "rescues" in item and not _MARK.search(body):
        return serialise({**item, "rescues": count})
    return b'%b,"rescues":%d}' % (_MARK.sub(b"}", body)[:-1], count)
