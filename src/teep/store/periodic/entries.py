"""The entries of periodic jobs, by name: when each is due, and the job to push then."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from teep.errors import MalformedPayload, UnknownEntry
from teep.wire import commands, json, keys
from teep.wire.command import Command
from teep.wire.commands import time as clock_of_redis
from teep.wire.payload import Item
from teep.wire.scripts import periodic as scripts
from teep.wire.scripts.fence import Fence

Source = Literal["static", "dynamic"]
CatchUp = Literal["latest", "all", "none"]
Overlap = Literal["allow", "skip"]

# The last moment of what a calendar has (epoch seconds).
_LATEST = 253_402_300_799


class Entry(NamedTuple):
    """A periodic job.

    `job` is the payload that is pushed, without jid and times. `tz` is a zone's name ("": UTC). `grace` is how late
    (seconds) a missed tick may be fired, `jitter` by how many seconds a job may be delayed. `created` and `since` are
    epoch seconds: when the entry came, and when it got its present schedule, which counts from then.
    """

    name: str
    schedule: str
    tz: str
    job: Item
    source: Source = "dynamic"
    catch_up: CatchUp = "latest"
    grace: float = 3600.0
    overlap: Overlap = "allow"
    jitter: float = 0.0
    description: str = ""
    created: float = 0.0
    since: float = 0.0

    def written(self) -> bytes:
        """Return the entry as it is stored."""
        return json.dumps({name: value for name, value in self._asdict().items() if name != "name"})

    def after(self, before: "Entry | None", now: float) -> "Entry":
        """Return this entry as it is stored in place of another: the times of a schedule that is the same go on."""
        if before is None:
            return self._replace(created=now, since=now)
        is_same = (self.schedule, self.tz) == (before.schedule, before.tz)
        return self._replace(created=before.created, since=before.since if is_same else now)


class Stored(NamedTuple):
    """An entry as it lies in Redis: its bytes there, its last tick (epoch seconds, None: none), and its pause."""

    entry: Entry
    raw: bytes
    last: float | None
    is_paused: bool


class State(NamedTuple):
    """How often entries have changed, and how many ticks of all of them are over."""

    version: int
    over: int


class Everything(NamedTuple):
    """All entries by name, and the state that they have. `damaged` are the names of those that cannot be read."""

    entries: dict[str, Stored]
    state: "State"
    damaged: list[str]


def read(name: str, raw: bytes) -> Entry:
    """Return the entry in `raw`.

    Raises:
        MalformedPayload: it is none.
    """
    fields = json.loads(raw)
    try:
        known = {field: value for field, value in fields.items() if field in Entry._fields}
        entry = Entry(name, **known)
        fits = _fits(entry)
    except (AttributeError, KeyError, TypeError) as error:
        raise MalformedPayload(f"the entry {name!r} of a periodic job is damaged: {error!r}") from error
    if not fits:
        raise MalformedPayload(f"the entry {name!r} of a periodic job is damaged")
    return entry


def _fits(entry: Entry) -> bool:
    texts = (entry.schedule, entry.tz, entry.description, entry.job["class"])
    return (
        all(map(is_text, texts))
        and type(entry.job["args"]) is list
        and all(map(_is_time, (entry.grace, entry.jitter, entry.created, entry.since)))
        and entry.source in get_args(Source)
        and entry.catch_up in get_args(CatchUp)
        and entry.overlap in get_args(Overlap)
    )


def is_text(value: Any) -> bool:
    """Tell whether something is a string that can be written as UTF-8."""
    try:
        return type(value) is str and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LATEST


async def everything(known: Mapping[bytes, Entry] | None = None) -> Everything:
    """Return all entries. One round trip; it reads all of each, and parses those whose bytes are not `known`."""
    reads: list[Command[Any]] = [
        commands.get_int(keys.periodic_version()),
        commands.hgetall(keys.periodic()),
        commands.hgetall(keys.periodic_last()),
        commands.smembers(keys.periodic_paused()),
    ]
    version, raws, last, paused = await commands.pipeline_of(reads)
    damaged: list[str] = []
    entries: dict[str, Stored] = {}
    names = frozenset(paused)
    for name in sorted(raws):
        raw = raws[name]
        entry = None if known is None else known.get(raw)
        try:
            entry = read(name, raw) if entry is None or entry.name != name else entry
        except MalformedPayload:
            damaged.append(name)
            continue
        entries[name] = Stored(entry, raw, _number(last.get(name)), name in names)
    return Everything(entries, State(version, int(last.get("", 0))), damaged)


async def get(name: str) -> Stored | None:
    """Return one entry, or None. One round trip.

    Raises:
        MalformedPayload: it cannot be read.
    """
    reads: list[Command[Any]] = [
        commands.hget(keys.periodic(), name),
        commands.hget(keys.periodic_last(), name),
        commands.sismember(keys.periodic_paused(), name),
    ]
    raw, last, is_paused = await commands.pipeline_of(reads)
    return None if raw is None else Stored(read(name, raw), raw, _number(last), is_paused)


def _number(raw: bytes | None) -> float | None:
    try:
        return None if raw is None else float(raw)
    except ValueError:
        return None


async def size() -> int:
    """Return how many entries there are."""
    return await commands.hlen(keys.periodic())


async def look() -> tuple[State, float]:
    """Return the state of the entries, and Redis's time (epoch seconds). One round trip."""
    version, over, now = await commands.pipeline(
        commands.get_int(keys.periodic_version()), commands.hget_int(keys.periodic_last(), ""), clock_of_redis()
    )
    return State(version, over), now


async def put(entry: Entry, now: float) -> Stored:
    """Write an entry, new or in place of the one of its name. Two round trips, unless others change it meanwhile."""
    while True:
        before = await _before(entry.name)
        made = _after(entry, before, now)
        command = _put(made, before, now)
        if command is None or await command:
            last = None if before is None else before.last
            return Stored(made, made.written(), last, before is not None and before.is_paused)


async def _before(name: str) -> Stored | None:
    try:
        return await get(name)
    except MalformedPayload:
        await remove(name)
        return None


def _put(made: Entry, before: Stored | None, now: float, fence: Fence | None = None) -> Command[bool] | None:
    """Return the command that writes an entry in place of another, or None if it is there already."""
    raw = made.written()
    if before is not None and before.raw == raw:
        return None
    counts_from = commands.score(now) if made.since == now else ""
    return scripts.put(made.name, b"" if before is None else before.raw, raw, counts_from, fence)


async def publish(declared: Mapping[str, Entry], fence: Fence, term: int, now: float) -> list[str]:
    """Write the entries that the leader declares, and remove those that the last two leaders did not; returns these.

    A leader that declares none changes nothing, as does one that leads no longer. Three round trips.
    """
    if not declared:
        return []
    stored = (await everything()).entries
    seen = await commands.hgetall(keys.periodic_seen())
    written = [
        command
        for name, entry in declared.items()
        if (command := _put(_after(entry, stored.get(name), now), stored.get(name), now, fence))
    ]
    gone = [
        name
        for name, each in stored.items()
        if name not in declared and each.entry.source == "static" and _is_over(seen.get(name), term)
    ]
    removing = [scripts.remove(name, fence) for name in gone]
    _, *done = await commands.pipeline_of([scripts.declare(term, declared, fence), *written, *removing])
    return [name for name, is_gone in zip(gone, done[len(written) :], strict=True) if is_gone]


def _after(entry: Entry, before: Stored | None, now: float) -> Entry:
    return entry.after(None if before is None else before.entry, now)


def _is_over(seen: bytes | None, term: int) -> bool:
    return seen is None or int(seen) <= term - 2


async def remove(name: str) -> bool:
    """Remove an entry and its history; False if there is none. One round trip."""
    return await scripts.remove(name)


async def pause(name: str) -> bool:
    """Pause an entry; False if it was paused already. One round trip.

    Raises:
        UnknownEntry: there is none of this name.
    """
    return _known(name, await scripts.pause(name, "", goes_on=False))


async def unpause(name: str, now: float) -> bool:
    """Let an entry go on with the ticks after `now`; False if it was not paused. One round trip.

    Raises:
        UnknownEntry: there is none of this name.
    """
    return _known(name, await scripts.pause(name, commands.score(now), goes_on=True))


def _known(name: str, reply: int) -> bool:
    if reply < 0:
        raise unknown(name)
    return bool(reply)


def unknown(name: str) -> UnknownEntry:
    """Return the error for a name that no entry has."""
    return UnknownEntry(f"there is no periodic job {name!r}")
