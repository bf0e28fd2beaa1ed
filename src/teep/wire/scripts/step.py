"""The atomic step: the conditions for a job to be pushed or to leave its place, and all that happens if it does.

1. A `Step` is a value, built in Python: `Parts`, and the place that the job leaves, if it lies in Redis already.
2. `carry_out` has one script do the steps of many jobs. Each is done whole or not at all, and its outcome returned.
3. A feature adds parts of its own (`lua/lib/<feature>.lua`), so its data changes in the same step.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from teep.wire.command import Arg, Command
from teep.wire.commands import text
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load


class Part(NamedTuple):
    """One part of a step: its name in the script, its key, and the other words that it takes.

    Some names take any number of words, the first of which says how many follow. Such a part is the last of its step.
    """

    name: str
    key: Key
    words: tuple[Arg, ...] = ()


class Parts(NamedTuple):
    """The parts of a step: guards, any of which can stop it; effects; and parts that go `along` with it.

    Redis may refuse a part that goes along without harm: the step is done all the same, and tells why.
    """

    guards: tuple[Part, ...] = ()
    effects: tuple[Part, ...] = ()
    along: tuple[Part, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.guards or self.effects or self.along)

    def joined(self, other: "Parts") -> "Parts":
        """Return these and, behind them, those of another."""
        return Parts(self.guards + other.guards, self.effects + other.effects, self.along + other.along)


class Place(NamedTuple):
    """A place that steps take jobs from."""

    kind: Literal["list", "zset"]
    key: Key


# (key, seconds that it is kept for, 0: for ever)
Counter = tuple[Key, int]


class Step(NamedTuple):
    """One job's step: its parts, the place that it leaves (None: it is new), its bytes there, and its counters."""

    parts: Parts
    place: Place | None = None
    raw: bytes = b""
    counters: tuple[Counter, ...] = ()


class Told(NamedTuple):
    """The outcome of a step: it was `done`, or the job was gone, or it was `refused`; the latter changed nothing.

    `guard` is the guard that stopped it, and `word` names what stands in the way. `beside` says why Redis refused
    something beside it: a part that goes along, or to count it. All are "" if all is well.
    """

    done: bool
    refused: str = ""
    beside: str = ""
    guard: str = ""
    word: str = ""


DONE = Told(done=True)
"""The outcome of every step that is done as it should be, always this one object."""
_GONE = Told(done=False)


def queued(queues: Key, name: str, queue: Key, raw: bytes) -> tuple[Part, ...]:
    """Return the effects that put a job behind all others of a queue."""
    return Part("SADD", queues, (name,)), Part("LPUSH", queue, (raw,))


def scored(key: Key, score: str, raw: bytes) -> tuple[Part, ...]:
    """Return the effect that puts a job into a zset."""
    return (Part("ZADD", key, (score, raw)),)


def carry_out(steps: Sequence[Step], *, repeatable: bool = False) -> Command[list[Told]]:
    """Carry out steps, each independently of the others; returns the outcome of each.

    It is not sent again after a lost answer unless it is `repeatable`. A repeat would report as gone a job that the
    first try has moved, or push it twice.
    """
    positions: dict[Key, int] = {}
    tallies: dict[tuple[Counter, ...], int] = {}
    words: list[Arg] = []
    for shape, group in groupby(steps, _shape):
        _write(shape, list(group), positions, tallies, words)
    counted: list[Arg] = [len(tallies)]
    for tally in tallies:
        counted.append(len(tally))
        for key, seconds in tally:
            counted += (_position(key, positions), seconds)
    return ScriptCall(load("step"), tuple(positions), counted + words, read=_read, idempotent=repeatable)


# The things that steps of a group have in common: the place, the counters, and the names of the parts.
_Shape = tuple[Place | None, tuple[Counter, ...], list[str]]


def _shape(each: Step) -> _Shape:
    (guards, effects, along), place, _, counters = each
    return place, counters, [name for name, _, _ in guards + effects + along]


def _write(
    shape: _Shape,
    group: Sequence[Step],
    positions: dict[Key, int],
    tallies: dict[tuple[Counter, ...], int],
    words: list[Arg],
) -> None:
    place, counters, names = shape
    kind, source = ("none", 0) if place is None else (place.kind, _position(place.key, positions))
    tally = tallies.setdefault(counters, len(tallies) + 1) if counters else 0
    words += (kind, source, tally, len(group), len(names), *names)
    for (guards, effects, along), _, raw, _ in group:
        words.append(raw)
        for _, key, more in guards + effects + along:
            words.append(_position(key, positions))
            words += more


def _position(key: Key, positions: dict[Key, int]) -> int:
    position = positions.get(key)
    if position is None:
        position = positions[key] = len(positions) + 1
    return position


def _read(reply: list[Any]) -> list[Told]:
    uncounted, *outcomes = reply
    beside = text(uncounted)
    return [_read_one(outcome, beside) for outcome in outcomes]


def _read_one(outcome: Any, uncounted: str) -> Told:
    if outcome == 1:
        return Told(done=True, beside=uncounted) if uncounted else DONE
    if outcome == 0:
        return _GONE
    state, *why = outcome
    words = [text(word) for word in why]
    if state == 2:
        return Told(done=False, guard=words[0], word=words[1])
    return Told(done=True, beside=words[0]) if state == 1 else Told(done=False, refused=words[0])


def along_of(jobs: Iterable[Sequence[Part]], keys: Sequence[Key]) -> tuple[list[Key], list[Arg]]:
    """Return the parts that go along with jobs that another script moves, as its last keys and values.

    `keys` are those that the script has before them. In the script `read_along` reads the parts.
    """
    positions: dict[Key, int] = {}
    words: list[Arg] = []
    for job, parts in enumerate(jobs, start=1):
        for part in parts:
            words += (job, part.name, len(keys) + _position(part.key, positions), *part.words)
    return [*keys, *positions], words
