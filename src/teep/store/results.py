"""How jobs ended, and what they returned: one record a job, kept for a time if its payload asks for it.

1. `ended` and `with_value` make the part that writes the record in the very step that ends the job.
2. `read`, `read_all` and `awaited` read records; the last one waits for it in Redis, which tells all that wait.

A record is JSON in a list of its own, not in a stream: a stream of one entry takes 4.4 kB at the least, a list 0.1 to
0.2 kB more than its record (Valkey, Redis 7). A waiting reader moves the record within its list, and so leaves it
there for the next one.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

from teep.errors import InvalidArguments, MalformedPayload
from teep.store.running.outcome import End
from teep.wire import commands, json, keys, options
from teep.wire.command import Command
from teep.wire.commands import as_is
from teep.wire.fields import backtrace
from teep.wire.payload import Item
from teep.wire.scripts.step import Part
from teep.wire.stored import Stored

# The payload's field that asks for it: seconds.
FIELD = "keep_result"
# The part that goes along with a success, and that depends on what the job returned.
KEEP = "results.keep"
# The most bytes of JSON that are kept of a value, and of a backtrace as it is stored.
MOST = 65_536
# The most characters of an error's message: other producers may have stored a longer one.
_MESSAGE = 10_000

Ended = Literal["succeeded", "dead", "discarded", "expired", "cancelled", "deleted"]
_ENDS = frozenset(get_args(Ended))


class Record(NamedTuple):
    """How a job ended, and the `value` that it returned; `problem` says why there is none of a job that succeeded.

    The error is that of the last run of a job that is dead or was discarded; `error_class` is None if it has none.
    """

    status: Ended
    value: Any = None
    problem: str | None = None
    error_class: str | None = None
    error_message: str | None = None
    error_backtrace: tuple[str, ...] = ()


def ended(item: Item, how: End) -> tuple[Part, ...]:
    """Return the part that keeps how a job ended; none if its payload does not ask for it.

    For one that is done it says "cancelled", which is so if it is acknowledged without `with_value`.
    """
    seconds, jid = options.seconds(item.get(FIELD)), item.get("jid")
    if seconds is None or type(jid) is not str:
        return ()  # it is False, or written by another producer
    record = _failed(item, how) if how in ("dead", "discarded") else {"status": "cancelled" if how == "done" else how}
    milliseconds = int(seconds * 1000) or 1
    name = "results.note" if how == "deleted" else KEEP
    return (Part(name, keys.result(jid), (b"%d %b" % (milliseconds, json.dumps(record)),)),)


def with_value(part: Part, record: bytes) -> Part:
    """Return the part of a job that is done, with the record of its success."""
    milliseconds, _, _ = cast("bytes", part.words[0]).partition(b" ")
    return part._replace(words=(milliseconds + b" " + record,))


def succeeded(value: Any) -> tuple[bytes, str | None]:
    """Return the record of a job that returned `value`, and why that cannot be kept, if it cannot. Never raises."""
    try:
        json.check(value, "the result")
        raw = json.dumps(value)
    except InvalidArguments as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - a value that other threads change, or with code of its own
        problem = (
            f"the result is a {type(value).__qualname__} that cannot be written as JSON: {type(error).__qualname__}"
        )
    else:
        if len(raw) <= MOST:
            return b'{"status":"succeeded","value":%b}' % raw, None
        problem = (
            f"the result is {len(raw)} bytes of JSON, and at most {MOST} are kept; store it elsewhere, and return"
            " where it is"
        )
    return json.dumps({"status": "succeeded", "problem": problem}), problem


async def read(jid: str) -> Record | None:
    """Return how a job ended, or None if nothing is kept of it (yet). One round trip."""
    return await _read(commands.lindex(keys.result(jid), -1))


async def read_all(jids: Sequence[str]) -> list[Record | None]:
    """Return the same of many jobs. One round trip."""
    found = await commands.pipeline_of(commands.lindex(keys.result(jid), -1) for jid in jids)
    return [None if raw is None else parse(raw) for raw in found]


async def awaited(jid: str, seconds: float) -> Record | None:
    """Return the same, waiting for it so many seconds at most (above 0). One round trip, which writes."""
    key, seconds = keys.result(jid), max(seconds, 0.001)  # zero would be without end
    return await _read(
        Command("BLMOVE", key, key, "RIGHT", "RIGHT", f"{seconds:.3f}", read=as_is, idempotent=True, block=seconds)
    )


async def _read(command: Command[bytes | None]) -> Record | None:
    raw = await command
    return None if raw is None else parse(raw)


def parse(raw: bytes) -> Record:
    """Return the record in these bytes.

    Raises:
        MalformedPayload: they are none of teep's.
    """
    found = json.loads(raw)
    if not isinstance(found, dict) or found.get("status") not in _ENDS:
        raise MalformedPayload(f"not a job's result: {raw[:40]!r}")
    return _record(found)


def is_kept(raw: bytes) -> bool:
    """Tell whether the payload of a job asks for its result to be kept."""
    return options.seconds(Stored(raw).fields.get(FIELD)) is not None


def of_dead(raw: bytes) -> Record:
    """Return how a job ended that lies in the dead set, from its payload."""
    return _record(_failed(Stored(raw).fields, "dead"))


def _record(found: dict[str, Any]) -> Record:
    return Record(
        found["status"],
        found.get("value"),
        found.get("problem"),
        found.get("error_class"),
        found.get("error_message"),
        _lines(found.get("error_backtrace")),
    )


def _failed(item: Item, how: End) -> dict[str, Any]:
    """Return the record of a job that failed for good; its payload has the error of its last run."""
    record: dict[str, Any] = {"status": how}
    for field, most in (("error_class", _MESSAGE), ("error_message", _MESSAGE)):
        if isinstance(found := item.get(field), str):
            record[field] = found[:most]
    found = item.get("error_backtrace")
    if isinstance(found, str) and len(found) <= MOST:
        record["error_backtrace"] = found
    return record


def _lines(stored: Any) -> tuple[str, ...]:
    try:
        return tuple(backtrace.unpack(stored)) if isinstance(stored, str) else ()
    except MalformedPayload:
        return ()
