"""Grouping the jobs of a set or queue by class and error, and those of a set by what the error said, too."""

from collections.abc import Iterable
from typing import NamedTuple

from teep.store.jobs.queues import ANCHORS
from teep.wire import keys, payload, scripts
from teep.wire.fields import messages
from teep.wire.keys import Key
from teep.wire.stored import Stored

# Jobs per slice: reading them as JSON takes Redis a few milliseconds.
SLICE = 1_000


class Group(NamedTuple):
    """Jobs of one class and one error: how many, their oldest and newest time, and the newest payload."""

    klass: str
    error_class: str
    size: int
    oldest: float
    newest: float
    sample: bytes


class Failures(NamedTuple):
    """Jobs that failed alike: how many, their first and last failure (0: not told), and the last one's payload."""

    klass: str
    error_class: str
    message: str
    size: int
    first: float
    last: float
    sample: bytes
    score: float


class Counted(NamedTuple):
    """A part of a set, counted: the size of all, how many jobs were looked at, where to go on (None: at the end)."""

    size: int
    looked_at: int
    place: tuple[bytes, float] | None
    groups: list[Failures]


async def failures(key: Key, place: tuple[bytes, float] | None) -> Counted:
    """Count the next 1000 jobs of a set by how they failed, from the highest score down. One round trip."""
    part = await scripts.error_groups(key, place, SLICE, messages.MOST_BYTES)
    following = part.last if part.read == SLICE else None
    rows = [Failures(_text(row.klass), _text(row.error_class), _text(row.message), *row[3:]) for row in part.rows]
    return Counted(part.size, part.read, following, rows)


async def groups(key: Key) -> list[Group]:
    """Return a set's groups, largest first. One round trip per 1000 jobs; only the groups cross the network."""
    found: dict[tuple[str, str], Group] = {}
    place = None
    while True:
        part = await scripts.groups(key, place, SLICE)
        place = part.last
        _add(found, (Group(_text(row.klass), _text(row.error_class), *row[2:]) for row in part.rows))
        if part.read < SLICE:
            return _largest_first(found)


async def queue_groups(queue: str) -> list[Group]:
    """Return a queue's groups, as `groups` does. Jobs that are pushed meanwhile are left out; none counts twice."""
    found: dict[tuple[str, str], Group] = {}
    position, anchors = 0, list[bytes]()
    while True:
        part = await scripts.list_groups(keys.queue(queue), position, SLICE, anchors)
        if part is None:  # workers took all that follows
            return _largest_first(found)
        position = part.position + part.read - 1
        anchors = [*part.anchors, *anchors[part.anchor :]][:ANCHORS]
        for klass, error_class, size, oldest, newest in part.rows:
            _add(found, [Group(_text(klass), _text(error_class), size, _time(oldest), _time(newest), newest)])
        if part.read < SLICE:
            return _largest_first(found)


def _add(found: dict[tuple[str, str], Group], groups: Iterable[Group]) -> None:
    """Add the groups of a slice to those of the slices before it, which were newer."""
    for group in groups:
        name = (group.klass, group.error_class)
        found[name] = _joined(found[name], group) if name in found else group


def _joined(one: Group, other: Group) -> Group:
    return one._replace(
        size=one.size + other.size, oldest=min(one.oldest, other.oldest), newest=max(one.newest, other.newest)
    )


def _largest_first(found: dict[tuple[str, str], Group]) -> list[Group]:
    return sorted(found.values(), key=lambda group: (-group.size, group.klass, group.error_class))


def _time(raw: bytes) -> float:
    """Return when a job was enqueued, else created, in epoch seconds; 0 if its payload does not say."""
    return payload.waiting_since(Stored(raw).fields) or 0.0


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
