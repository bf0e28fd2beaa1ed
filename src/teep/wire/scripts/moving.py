"""The scripts that move jobs, rewrite them and take them away, where they lie unchanged."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

from teep.wire.command import Arg, Command
from teep.wire.keys import Key
from teep.wire.scripts.moves import Moves, read_moves
from teep.wire.scripts.script import ScriptCall, load
from teep.wire.scripts.step import Part, along_of

# (the payload that lies there, the payload to put elsewhere, its score)
Moved = tuple[bytes, bytes, str]


def enqueue(source: Key, queues: Key, moves: Sequence[tuple[bytes, Key, bytes, str]]) -> Command[Moves]:
    """Move members of a zset to queues: (member, queue key, payload to push, queue name) each."""
    return ScriptCall(
        load("moving/enqueue"),
        (source, queues, *(move[1] for move in moves)),
        tuple(chain.from_iterable((old, new, name) for old, _, new, name in moves)),
        read=read_moves,
    )


def transfer(
    source: Key, target: Key, moves: Sequence[tuple[bytes, str, bytes]], along: Iterable[Sequence[Part]] = ()
) -> Command[Moves]:
    """Move members from one zset to another: (member, new score, new payload) each, and its parts that go along.

    An empty score keeps the one that it has.
    """
    keys, words = along_of(along, (source, target))
    return ScriptCall(load("moving/transfer"), keys, (len(moves), *_words(moves), *words), read=read_moves)


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
    `name` is the list's. `place` is (position from the oldest job, span): about where they lie together. Each of
    `moves` is (payload there, payload to put, score), with its parts that go along.
    """
    from secrets import token_bytes  # noqa: PLC0415 - brings OpenSSL: see Script.sha

    # No payload can equal the mark: it is no JSON, and random.
    mark = token_bytes(16)
    keys, words = along_of(along, (queue, *target))
    return ScriptCall(
        load("moving/sift"),
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
    The low end of a queue is its tail, the oldest. Returns how many went, and those that hold a needle; if any
    do, none went. Once a queue is empty its name is taken out of the set where it is `listed`: (key, name).
    """
    queues, name = listed or (None, "")
    return ScriptCall(
        load("moving/drop"),
        (key,) if queues is None else (key, queues),
        (cut[0], limit, cut[1], name, *needles),
        read=lambda reply: (int(reply[0]), reply[1]),
    )


def replace(queue: Key, old: bytes, new: bytes) -> Command[bool]:
    """Exchange a job's payload for another in its place; True if it was there."""
    return ScriptCall(load("moving/replace"), (queue,), (old, new), read=bool)


def _words(moves: Iterable[tuple[Arg, ...]]) -> Iterator[Arg]:
    return chain.from_iterable(moves)
