"""The Lua scripts, each a file in `lua/` with a header, and a typed function that calls it.

1. The header states what the script is for and the shape of KEYS, ARGV and what it returns.
2. A call that disagrees with its header is refused here, before it reaches Redis.

A shape is a list of names; a last `(a b)*` or `a*` stands for any number of such groups.
Scripts move bytes and compare them; none decodes a payload.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from teep.wire.commands import Arg, Command, scored

T = TypeVar("T")

_HEADER = re.compile(r"^-- (KEYS|ARGV|RETURNS):[ ]*(.*)$", re.MULTILINE)
_REPEATED = re.compile(r"(?:\(([^)]*)\)|(\S+))\*\s*$")


class Shape(NamedTuple):
    """How many values a call takes: `fixed`, then any number of groups of `group` (0: none)."""

    text: str
    fixed: int
    group: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        repeated = _REPEATED.search(text)
        names = text[: repeated.start()] if repeated else text
        group = len((repeated[1] or repeated[2]).split()) if repeated else 0
        return cls(text, len(names.split()), group)

    def accepts(self, count: int) -> bool:
        rest = count - self.fixed
        return rest == 0 or (rest > 0 and self.group > 0 and rest % self.group == 0)


class Script:
    """A Lua script: its source, its SHA-1 as EVALSHA wants it, and the shape of its calls."""

    def __init__(self, name: str, source: str) -> None:
        header = dict(_HEADER.findall(source))
        if header.keys() != {"KEYS", "ARGV", "RETURNS"}:
            raise ValueError(f"lua/{name}.lua needs the header lines KEYS, ARGV and RETURNS")
        self.name = name
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self.keys = Shape.parse(header["KEYS"])
        self.argv = Shape.parse(header["ARGV"])

    def check(self, keys: Sequence[str], argv: Sequence[Arg]) -> None:
        for shape, given in ((self.keys, keys), (self.argv, argv)):
            if not shape.accepts(len(given)):
                raise ValueError(f"lua/{self.name}.lua takes ({shape.text}), not {len(given)} values")


class ScriptCall(Command[T]):
    """A call of a script. Drivers load the script where the server does not know it yet."""

    __slots__ = ("script",)

    def __init__(
        self,
        script: Script,
        keys: Sequence[str],
        argv: Sequence[Arg],
        read: Callable[[Any], T],
        *,
        idempotent: bool = True,  # most scripts compare before they move: a repeat finds nothing left to do
    ) -> None:
        script.check(keys, argv)
        self.script = script
        super().__init__("EVALSHA", script.sha, len(keys), *keys, *argv, read=read, idempotent=idempotent)


@cache
def load(name: str) -> Script:
    """Return the script `lua/<name>.lua`; read once a process."""
    return Script(name, (resources.files("teep.wire") / "lua" / f"{name}.lua").read_text("utf-8"))


class Lane(NamedTuple):
    """A queue and this process's in-flight list of it, with the payloads that are done there."""

    queue: str
    inflight: str
    done: Sequence[bytes]


class Exchanged(NamedTuple):
    """What an exchange gave: the payloads reserved for each lane, and those done that were not in flight."""

    reserved: list[list[bytes]]
    late: list[bytes]


def exchange(lanes: Sequence[Lane], limit: int, counters: tuple[str, str], ttl: int) -> Command[Exchanged]:
    """Acknowledge what is done, count it, and reserve up to `limit` jobs, lanes in the order given.

    Not idempotent: a repeat would reserve again. Where the answer is lost, what was reserved lies in the
    in-flight lists.
    """
    done = [raw for lane in lanes for raw in lane.done]

    def read(reply: list[Any]) -> Exchanged:
        return Exchanged(reply[1:], [done[position - 1] for position in reply[0]])

    return ScriptCall(
        load("exchange"),
        (*counters, *chain.from_iterable((lane.queue, lane.inflight) for lane in lanes)),
        (limit, ttl, *(len(lane.done) for lane in lanes), *done),
        read,
        idempotent=False,
    )


def fail(
    inflight: str, target: str, counters: Sequence[str], raw: bytes, entry: tuple[str, bytes] | None, ttl: int
) -> Command[bool]:
    """Take a failed job out of flight and, in the same step, put `entry` (score, payload) into the zset `target`.

    `counters` are (processed, processed today, failed, failed today), or nothing for what is counted nowhere.
    False where the job was not in flight any more: then nothing is changed.
    """
    return ScriptCall(load("fail"), (inflight, target, *counters), (raw, ttl, *(entry or ())), read=bool)


def give_back(inflight: str, queue: str, raws: Sequence[bytes]) -> Command[int]:
    """Put reserved jobs (oldest first) back to where they were taken; those no longer in flight are passed over."""
    return ScriptCall(load("give_back"), (inflight, queue), raws, read=int)


def requeue(inflight: str, queue: str, limit: int) -> Command[int]:
    """Put up to `limit` jobs of an in-flight list back, the oldest last, so that it is the next to run."""
    return ScriptCall(load("requeue"), (inflight, queue), (limit,), read=int)


def enqueue(source: str, queues: str, moves: Sequence[tuple[bytes, str, bytes, str]]) -> Command[list[bool]]:
    """Move members of a zset to queues: (member, queue key, payload to push, queue name) each.

    True for each that was there; the others are left alone.
    """
    return ScriptCall(
        load("enqueue"),
        (source, queues, *(move[1] for move in moves)),
        tuple(chain.from_iterable((old, new, name) for old, _, new, name in moves)),
        read=lambda reply: [bool(moved) for moved in reply],
    )


def transfer(source: str, target: str, moves: Iterable[tuple[bytes, str, bytes]]) -> Command[list[bool]]:
    """Move members from one zset to another: (member, new score, new payload) each; True for each that was there."""
    return ScriptCall(
        load("transfer"),
        (source, target),
        tuple(chain.from_iterable(moves)),
        read=lambda reply: [bool(moved) for moved in reply],
    )


def search(queue: str, needle: bytes, start: int, count: int) -> Command[list[bytes]]:
    """Return the payloads that hold `needle`, of `count` from position `start` (0 is the newest)."""
    return ScriptCall(load("search"), (queue,), (needle, start, count), read=list)


def list_after(
    queue: str, position: int, count: int, anchors: Sequence[bytes]
) -> Command[tuple[int, list[bytes]] | None]:
    """Return (position, payloads) that follow the anchors in a queue, or None where no anchor is left."""
    return ScriptCall(
        load("list_after"),
        (queue,),
        (position, count, *anchors),
        read=lambda reply: None if reply is None else (int(reply[0]), reply[1]),
    )


def zset_below(key: str, score: str, member: bytes, count: int) -> Command[list[tuple[bytes, float]]]:
    """Return the entries that follow a place in a zset, highest score first."""
    return ScriptCall(load("zset_below"), (key,), (score, member, count), read=scored)
