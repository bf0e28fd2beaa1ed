"""The calls of the Lua scripts in `lua/`, each a typed function.

Scripts move bytes and compare them; those that count groups read payloads as JSON, and none writes one.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

from teep.wire import json
from teep.wire.commands import Arg, Command, score, scored, text
from teep.wire.keys import Key
from teep.wire.moves import Moves, read_moves
from teep.wire.script import ScriptCall, load
from teep.wire.step import Part, along_of

# (the payload that lies there, the payload to put elsewhere, its score)
Moved = tuple[bytes, bytes, str]


class Lane(NamedTuple):
    """A queue and this process's in-flight list of it, with the payloads that are done there."""

    name: str
    queue: Key
    inflight: Key
    done: Sequence[bytes]


class Exchanged(NamedTuple):
    """What an exchange gave: (queue name, payload) of those reserved, and the done ones that were not in flight.

    `refused` says of queues why Redis gave nothing of them, and under "" why it did not count or tell what is paused.
    """

    reserved: list[tuple[str, bytes]]
    late: list[bytes]
    refused: dict[str, str]


def exchange(
    lanes: Sequence[Lane], limit: int, counters: tuple[Key, Key], paused: Key, ttl: int
) -> Command[Exchanged]:
    """Acknowledge what is done, count it, and reserve up to `limit` jobs, lanes in the order given, but paused ones.

    Not idempotent: a repeat would reserve again. Where the answer is lost, what was reserved lies in the
    in-flight lists.
    """
    done = [raw for lane in lanes for raw in lane.done]

    def read(reply: list[Any]) -> Exchanged:
        late, problem, *taken = reply
        refused = {"": text(problem)} if problem else {}
        reserved: list[tuple[str, bytes]] = []
        for lane, raws in zip(lanes, taken, strict=True):
            if isinstance(raws, bytes):
                refused[lane.name] = text(raws)
            else:
                reserved += ((lane.name, raw) for raw in raws)
        return Exchanged(reserved, [done[position - 1] for position in late], refused)

    return ScriptCall(
        load("exchange"),
        (*counters, paused, *chain.from_iterable((lane.queue, lane.inflight) for lane in lanes)),
        (limit, ttl, *(part for lane in lanes for part in (lane.name, len(lane.done))), *done),
        read,
        idempotent=False,
    )


def add_metrics(
    written: tuple[Key, int, int],
    hashes: tuple[tuple[Key, int], tuple[Key, int]],
    fields: Iterable[tuple[str, int]],
    histograms: Mapping[Key, Iterable[tuple[int, int]]],
) -> Command[bool]:
    """Add to the hashes of a minute and of its ten minutes, and to histograms; False where that was done before.

    `written` is (key, number, seconds that the number is kept); `hashes` are (key, seconds that they are kept), the
    minute's first; `fields` (name, what to add); `histograms`, kept as the minute is, a key's (slot, what to add).
    """
    (key, number, kept), (minute, ten_minutes) = written, hashes
    added: list[tuple[int, str | int, int]] = [(0, name, by) for name, by in fields]
    for place, slots in enumerate(histograms.values(), start=1):
        added += ((place, slot, by) for slot, by in slots)
    return ScriptCall(
        load("add_metrics"),
        (key, minute[0], ten_minutes[0], *histograms),
        (number, kept, minute[1], ten_minutes[1], *chain.from_iterable(added)),
        read=bool,
    )


def held(lists: Sequence[Key]) -> Command[list[list[bytes]]]:
    """Return the payloads of in-flight lists, each from the oldest on; a replica refuses to."""
    return ScriptCall(load("held"), lists, (), read=list)


def give_back(inflight: Key, queue: Key, queues: Key, name: str, raws: Sequence[bytes]) -> Command[Moves]:
    """Put reserved jobs (oldest first) back to where they were taken; those no longer in flight are passed over."""
    return ScriptCall(load("give_back"), (inflight, queue, queues), (name, *raws), read=read_moves)


def rescue(inflight: Key, queue: Key, moves: Sequence[tuple[bytes, bytes]]) -> Command[Moves]:
    """Put jobs (oldest first) back to the tail of their queue, each as another payload: (payload there, new one)."""
    return ScriptCall(load("rescue"), (inflight, queue), tuple(chain.from_iterable(moves)), read=read_moves)


def requeue(inflight: Key, queue: Key, limit: int) -> Command[int]:
    """Put up to `limit` jobs of an in-flight list back, the oldest last, so that it is the next to run."""
    return ScriptCall(load("requeue"), (inflight, queue), (limit,), read=int)


def forget(owners: Key, suspects: Key, inflight: Sequence[Key], identity: str) -> Command[bool]:
    """Take a process out of the registry; False where one of its in-flight lists is not empty."""
    return ScriptCall(load("forget"), (owners, suspects, *inflight), (identity,), read=bool)


def enqueue(source: Key, queues: Key, moves: Sequence[tuple[bytes, Key, bytes, str]]) -> Command[Moves]:
    """Move members of a zset to queues: (member, queue key, payload to push, queue name) each."""
    return ScriptCall(
        load("enqueue"),
        (source, queues, *(move[1] for move in moves)),
        tuple(chain.from_iterable((old, new, name) for old, _, new, name in moves)),
        read=read_moves,
    )


def transfer(
    source: Key, target: Key, moves: Sequence[tuple[bytes, str, bytes]], along: Iterable[Sequence[Part]] = ()
) -> Command[Moves]:
    """Move members from one zset to another: (member, new score, new payload) each, and what goes along with it.

    An empty score keeps the one that it has.
    """
    keys, words = along_of(along, (source, target))
    return ScriptCall(load("transfer"), keys, (len(moves), *_words(moves), *words), read=read_moves)


def keep_alive(process: Key, seconds: int, beat: str) -> Command[bool]:
    """Let a process's hash live for `seconds` more, with that time of its last beat; False where it had expired."""
    return ScriptCall(load("keep_alive"), (process,), (seconds, beat), read=bool)


class Saved(NamedTuple):
    """What a checkpoint told: whether it was written (a later run goes first), and whether the job was cancelled."""

    written: bool
    cancelled: bool


def checkpoint(iteration: Key, executions: int, cursor: bytes, runtime: float, ttl: int) -> Command[Saved]:
    """Save how far an iterable job has come: its run's number, its cursor's JSON, and its seconds so far."""
    return ScriptCall(
        load("checkpoint"),
        (iteration,),
        (executions, cursor, json.ruby_float(runtime), ttl),
        read=lambda reply: Saved(bool(reply[0]), bool(reply[1])),
    )


def cancel_iteration(iteration: Key, now: int, ttl: int) -> Command[int]:
    """Note where iterable jobs look that a job was cancelled at `now`; returns when it was first (epoch seconds)."""
    return ScriptCall(load("cancel_iteration"), (iteration,), (now, ttl), read=int)


def search(queue: Key, needle: bytes, start: int, count: int) -> Command[list[bytes]]:
    """Return the payloads that hold `needle`, of `count` from position `start` (0 is the newest)."""
    return ScriptCall(load("search"), (queue,), (needle, start, count), read=list)


End = Literal["newest", "oldest"]


class Slice(NamedTuple):
    """What `list_after` read of a queue: `position` and `read` of the slice, counted from the end walked from.

    `anchor` is which of the anchors given was found; `anchors` are the next ones, where needles were given;
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
    """Read the slice of a queue that follows the anchors (none: from the end); None where no anchor is left."""
    return ScriptCall(
        load("list_after"),
        (queue,),
        (end, position, count, len(needles), *needles, *anchors),
        read=lambda reply: None if reply is None else Slice(*reply),
    )


class Below(NamedTuple):
    """What a slice of a zset gave: the last entry read (None: none was), how many were, which hold all needles."""

    last: tuple[bytes, float] | None
    read: int
    entries: list[tuple[bytes, float]]


def zset_below(key: Key, place: tuple[bytes, float] | None, count: int, needles: Sequence[bytes]) -> Command[Below]:
    """Read the entries that follow a place in a zset (None: the top), highest score first."""
    return ScriptCall(
        load("zset_below"),
        (key,),
        (*_place(place), count, *needles),
        read=lambda reply: Below((reply[0], float(reply[1])) if reply[1] else None, reply[2], scored(reply[3])),
    )


def _place(place: tuple[bytes, float] | None) -> tuple[str, bytes]:
    return ("", b"") if place is None else (score(place[1]), place[0])


def _words(moves: Iterable[tuple[Arg, ...]]) -> Iterator[Arg]:
    return chain.from_iterable(moves)


def sift(
    queue: Key,
    kind: Literal["drop", "zset", "list"],
    target: Sequence[Key],
    name: str,
    place: tuple[int, int],
    moves: Sequence[Moved],
    along: Iterable[Sequence[Part]] = (),
) -> Command[Moves]:
    """Take jobs out of the middle of a queue.

    `target` has no key for "drop", that of the "zset", or those of the "list" and of the set of queues, in which
    `name` is the list's. `place` is (position from the oldest job, span): where about they lie together. Each of
    `moves` is (payload there, payload to put, score), with what goes along with it.
    """
    # No payload can equal the mark: it is no JSON, and random.
    mark = secrets.token_bytes(16)
    keys, words = along_of(along, (queue, *target))
    return ScriptCall(
        load("sift"),
        keys,
        (kind, name, mark, *place, len(moves), *_words(moves), *words),
        read=read_moves,
    )


Cut = tuple[Literal["list", "zset", "score"], str]


def drop(
    key: Key, cut: Cut, limit: int, needles: Sequence[bytes], listed: tuple[Key, str] | None = None
) -> Command[tuple[int, list[bytes]]]:
    """Remove up to `limit` jobs from the low end of a list or zset, unless one of them holds a needle.

    `cut` is (kind, the last to go): of a list or zset a rank (0 the first, -1 the last of all), or a score in a zset.
    The low end of a queue is its tail, the oldest. Returns how many went, and those that hold a needle, where none
    went. Once a queue is empty its name is taken out of the set where it is `listed`: (key, name).
    """
    queues, name = listed or (None, "")
    return ScriptCall(
        load("drop"),
        (key,) if queues is None else (key, queues),
        (cut[0], limit, cut[1], name, *needles),
        read=lambda reply: (int(reply[0]), reply[1]),
    )


def replace(queue: Key, old: bytes, new: bytes) -> Command[bool]:
    """Exchange a job's payload for another in its place; True where it was there."""
    return ScriptCall(load("replace"), (queue,), (old, new), read=bool)


def probe(queue: Key, needle: bytes, time: float, window: int) -> Command[tuple[list[bytes], bool]]:
    """Look for a payload among those enqueued about `time`; also tells whether that was the whole queue."""
    return ScriptCall(
        load("probe"),
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
    """What a slice of a set gave: the last entry read (None: nothing was), and its groups."""

    last: tuple[bytes, float] | None
    rows: list[GroupRow]


def groups(key: Key, place: tuple[bytes, float] | None, count: int) -> Command[Groups]:
    """Count a slice of a set by class and error, highest score first."""
    return ScriptCall(
        load("groups"),
        (key,),
        (*_place(place), count),
        read=lambda reply: Groups(
            (reply[0], float(reply[1])) if reply[1] else None,
            [GroupRow(row[0], row[1], row[2], float(row[3]), float(row[4]), row[5]) for row in reply[2]],
        ),
    )


class ListGroups(NamedTuple):
    """What a slice of a queue gave, as `Slice`; of each group class, error, count, oldest and newest payload."""

    anchor: int
    position: int
    read: int
    anchors: list[bytes]
    rows: list[tuple[bytes, bytes, int, bytes, bytes]]


def list_groups(queue: Key, position: int, count: int, anchors: Sequence[bytes]) -> Command[ListGroups | None]:
    """Count the slice of a queue that follows the anchors (none: the newest jobs) by class and error."""
    return ScriptCall(
        load("list_groups"),
        (queue,),
        (position, count, *anchors),
        read=lambda reply: None if reply is None else ListGroups(*reply),
    )
