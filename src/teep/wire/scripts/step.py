"""The atomic step: what must hold for a job to be pushed or to leave its place, and all that happens when it does.

1. A `Step` is a value, built in Python: `Parts`, and the place that the job leaves, if it lies in Redis already.
2. `carry_out` has one script do the steps of many jobs, each by itself: it is done whole or not at all, and told of.
3. A feature adds parts of its own (`lua/lib/<feature>.lua`), so what it keeps is right in the very step.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from teep.wire.command import Arg, Command
from teep.wire.commands import text
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load


class Part(NamedTuple):
    """One thing of a step: its name in the script, the key that it is about, and what else it takes."""

    name: str
    key: Key
    words: tuple[Arg, ...] = ()


class Parts(NamedTuple):
    """Guards, any of which keeps all of a step from happening; effects, which happen; and what goes along with them.

    What goes along is refused without harm: the step is done all the same, and tells why.
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
    """Where jobs lie that steps take away."""

    kind: Literal["list", "zset"]
    key: Key


# (key, seconds that it is kept for, 0: for ever)
Counter = tuple[Key, int]


class Step(NamedTuple):
    """One job's step: its parts, the place that it leaves (None: it is new), as what, and what counts it."""

    parts: Parts
    place: Place | None = None
    raw: bytes = b""
    counters: tuple[Counter, ...] = ()


class Told(NamedTuple):
    """What became of a step: it was `done`, or the job was gone, or it was `refused`; the latter changed nothing.

    `guard` is which one kept it from being done, and `word` what stands in the way. `beside` says why something was
    not done that goes along with it, such as counting it. All are "" if all is well.
    """

    done: bool
    refused: str = ""
    beside: str = ""
    guard: str = ""
    word: str = ""


DONE = Told(done=True)
"""This very one is told of all that are done as they should be."""
_GONE = Told(done=False)


def queued(queues: Key, name: str, queue: Key, raw: bytes) -> tuple[Part, ...]:
    """Return the effects that put a job behind all others of a queue."""
    return Part("SADD", queues, (name,)), Part("LPUSH", queue, (raw,))


def scored(key: Key, score: str, raw: bytes) -> tuple[Part, ...]:
    """Return the effect that puts a job into a zset."""
    return (Part("ZADD", key, (score, raw)),)


def carry_out(steps: Sequence[Step], *, repeatable: bool = False) -> Command[list[Told]]:
    """Carry out steps, each whatever becomes of the others; returns what became of each.

    It is not sent again after a lost answer unless it is `repeatable`: a repeat would say of what was done the first
    time that the job is gone, or push it twice.
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


# What steps that are alike have in common: the place, the counters, and the names of the parts.
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
    """Return what goes along with jobs that another script moves, as its last keys and values.

    `keys` are those that the script has before them; in the script `read_along` takes it from there.
    """
    positions: dict[Key, int] = {}
    words: list[Arg] = []
    for job, parts in enumerate(jobs, start=1):
        for part in parts:
            words += (job, part.name, len(keys) + _position(part.key, positions), *part.words)
    return [*keys, *positions], words
