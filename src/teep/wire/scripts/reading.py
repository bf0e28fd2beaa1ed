"""The scripts that read a queue or a set in slices: its jobs, those that match, and how they group."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from teep.wire.command import Command
from teep.wire.commands import score, scored
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load


def search(queue: Key, needle: bytes, start: int, count: int) -> Command[list[bytes]]:
    """Return the payloads that hold `needle`, of `count` from position `start` (0 is the newest)."""
    return ScriptCall(load("reading/search"), (queue,), (needle, start, count), read=list)


End = Literal["newest", "oldest"]


class Slice(NamedTuple):
    """A slice of a queue: its `position`, counted from the end walked from, and `read`, how many payloads were read.

    `anchor` is which of the anchors given was found; `anchors` are the next ones, if needles were given;
    `payloads` are those that hold all needles, in the order walked.
    """

    anchor: int
    position: int
    read: int
    anchors: list[bytes]
    payloads: list[bytes]


def list_after(
    queue: Key, end: End, position: int, count: int, needles: Sequence[bytes], anchors: Sequence[bytes]
) -> Command[Slice | None]:
    """Read the slice of a queue that follows the anchors (none: from `position`); None if no anchor is left."""
    return ScriptCall(
        load("reading/list_after"),
        (queue,),
        (end, position, count, len(needles), *needles, *anchors),
        read=lambda reply: None if reply is None else Slice(*reply),
    )


class Below(NamedTuple):
    """A slice of a zset: the last entry read (None: none was), how many were, and those that hold all needles."""

    last: tuple[bytes, float] | None
    read: int
    entries: list[tuple[bytes, float]]


def zset_below(key: Key, place: tuple[bytes, float] | None, count: int, needles: Sequence[bytes]) -> Command[Below]:
    """Read the entries that follow a place in a zset (None: the top), highest score first."""
    return ScriptCall(
        load("reading/zset_below"),
        (key,),
        (*_place(place), count, *needles),
        read=lambda reply: Below((reply[0], float(reply[1])) if reply[1] else None, reply[2], scored(reply[3])),
    )


Order = Literal["asc", "desc"]
Way = Literal["after", "before"]


class Place(NamedTuple):
    """A place in a listing of a zset: a score, and how many entries of that score lie behind it.

    In a queue `score` is a position counted from the end that the listing begins at, and `behind` says how many of
    the jobs from there on that match were given before.
    """

    score: float
    behind: int


class Window(NamedTuple):
    """What `zset_page` read: the zset's size, how many entries lie before the first one read, how many were read.

    `edge` is the place at the far end; `entries` hold all needles, in the way read, each with the place before it.
    """

    size: int
    before: int
    read: int
    edge: Place | None
    entries: list[tuple[bytes, Place]]


def zset_page(
    key: Key, order: Order, way: Way, place: Place | None, count: int, needles: Sequence[bytes]
) -> Command[Window]:
    """Read the entries of a zset on one side of a place (None: all of them lie there)."""
    at = ("", 0) if place is None else (score(place.score), place.behind)
    return ScriptCall(load("reading/zset_page"), (key,), (order, way, *at, count, *needles), read=_window)


def _window(reply: list[Any]) -> Window:
    size, before, read, edge, index, found = reply
    entries = [(member, Place(float(at), behind)) for member, at, behind in found]
    return Window(size, before, read, Place(float(edge), index) if edge else None, entries)


def probe(queue: Key, needle: bytes, time: float, window: int) -> Command[tuple[list[bytes], bool]]:
    """Look for a payload among those enqueued about `time`; also tells whether that was the whole queue."""
    return ScriptCall(
        load("reading/probe"),
        (queue,),
        (needle, score(time), window),
        read=lambda reply: (reply[0], bool(reply[1])),
    )


class GroupRow(NamedTuple):
    """Jobs of one class and error in a slice of a set."""

    klass: bytes
    error_class: bytes
    size: int
    oldest: float
    newest: float
    sample: bytes


class Groups(NamedTuple):
    """The groups of a slice of a set, the last entry read (None: nothing was), and how many were."""

    last: tuple[bytes, float] | None
    read: int
    rows: list[GroupRow]


def groups(key: Key, place: tuple[bytes, float] | None, count: int) -> Command[Groups]:
    """Count a slice of a set by class and error, highest score first."""
    return ScriptCall(
        load("reading/groups"),
        (key,),
        (*_place(place), count),
        read=lambda reply: Groups(
            (reply[0], float(reply[1])) if reply[1] else None,
            reply[2],
            [GroupRow(row[0], row[1], row[2], float(row[3]), float(row[4]), row[5]) for row in reply[3]],
        ),
    )


class ErrorRow(NamedTuple):
    """Jobs of a slice of a set that failed alike; `first` and `last` are epoch seconds, 0 if no job tells."""

    klass: bytes
    error_class: bytes
    message: bytes
    size: int
    first: float
    last: float
    sample: bytes
    score: float


class ErrorRows(NamedTuple):
    """What a slice of a set gave: the size of all, the last entry read (None: none was), how many, its groups."""

    size: int
    last: tuple[bytes, float] | None
    read: int
    rows: list[ErrorRow]


def error_groups(key: Key, place: tuple[bytes, float] | None, count: int, most: int) -> Command[ErrorRows]:
    """Count a slice of a set by class, error and up to `most` bytes of its message, highest score first."""
    return ScriptCall(load("reading/error_groups"), (key,), (*_place(place), count, most), read=_error_rows)


def _error_rows(reply: list[Any]) -> ErrorRows:
    size, member, at, read, rows = reply
    last = (member, float(at)) if at else None
    found = [
        ErrorRow(klass, error, message, count, float(first), float(latest), sample, float(score_of))
        for klass, error, message, count, first, latest, sample, score_of in rows
    ]
    return ErrorRows(size, last, read, found)


class ListGroups(NamedTuple):
    """The groups of a `Slice` of a queue: of each its class, error, count, oldest and newest payload."""

    anchor: int
    position: int
    read: int
    anchors: list[bytes]
    rows: list[tuple[bytes, bytes, int, bytes, bytes]]


def list_groups(queue: Key, position: int, count: int, anchors: Sequence[bytes]) -> Command[ListGroups | None]:
    """Count the slice of a queue that follows the anchors (none: the newest jobs) by class and error."""
    return ScriptCall(
        load("reading/list_groups"),
        (queue,),
        (position, count, *anchors),
        read=lambda reply: None if reply is None else ListGroups(*reply),
    )


def _place(place: tuple[bytes, float] | None) -> tuple[str, bytes]:
    return ("", b"") if place is None else (score(place[1]), place[0])
