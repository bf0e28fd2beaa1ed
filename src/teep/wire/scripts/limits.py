"""The scripts of limits. Times are whole microseconds of Redis's clock, of which a test may give another one."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from teep.wire.command import Arg, Command
from teep.wire.commands import text
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load
from teep.wire.scripts.step import Part

Kind = Literal["concurrent", "bucket", "window", "sixtieths", "leaky", "points"]
Field = Literal["override", "paused", "reset", "call"]
Mode = Literal["try", "wait", "last", "job", "ahead"]


class Declared(NamedTuple):
    """A limiter as its caller declares it, with its keys.

    `interval` and `lease` are microseconds, and `ttl` milliseconds: how long it is kept after its last use.
    """

    name: str
    kind: Kind
    limit: int
    interval: int
    lease: int
    ttl: int
    hash: Key
    line: Key


class Caller(NamedTuple):
    """One that asks: in which mode, and for how much of which limiters, by their places among all of the call.

    `holder` stands in the line of a concurrent limiter; `place` is the key of its bell or its queue, and `queue` the
    queue's name. `order` is its turn among those that wait (microseconds; None: it asks for the first time), and
    `patience` how long it waits.
    """

    mode: Mode
    holder: str
    place: Key
    uses: Sequence[tuple[int, int]]
    order: int | None = None
    patience: int = 0
    jid: str = ""
    queue: str = ""


class Refused(NamedTuple):
    """A refusal: the place of the limiter that holds the caller up longest, until when, and with which limit.

    `waits` is the caller as it stands in the line, and `order` its turn there; `now` is the time of the answer.
    """

    place: int
    until: int
    waits: bytes
    limit: int
    order: int
    now: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.until - self.now) / 1_000_000


Answer = Refused | bool | None
"""True: granted. None: a job that asked ahead has to ask again when its turn comes."""


def acquire(
    registry: Key,
    held: Key,
    schedule: Key,
    queues: Key,
    paused: Key,
    limiters: Sequence[Declared],
    callers: Sequence[Caller],
    lifetime: int,
    now: int | None = None,
) -> Command[list[Answer]]:
    """Ask limiters for callers, in their order. Not idempotent: a repeat would take twice.

    `held` is the key of the lines that the process holds something in, kept for a `lifetime` (milliseconds).
    """
    touched = [registry, held, schedule, queues, paused]
    words: list[Arg] = ["" if now is None else now, lifetime, len(limiters)]
    for name, kind, limit, interval, lease, ttl, hash_key, line in limiters:
        touched += (hash_key, line)
        words += (name, kind, limit, interval, lease, ttl)
    places: dict[Key, int] = {}
    for mode, holder, place, uses, order, patience, jid, queue in callers:
        position = places.get(place)
        if position is None:
            touched.append(place)
            position = places[place] = len(touched)
        words += (mode, holder, "" if order is None else order, patience, position, jid, queue, len(uses))
        for limiter, cost in uses:
            words += (limiter + 1, cost)
    return ScriptCall(load("limits/acquire"), touched, words, read=_answers, idempotent=False)


def take(limiter: Declared, cost: int) -> Command[bool] | None:
    """Take from a limiter the short way; False if nothing was done, and the limiter is to be asked in full.

    None: its kind has no short way. Not idempotent, as `acquire`.
    """
    script = _SHORT.get(limiter.kind)
    if script is None:
        return None
    words = (limiter.limit, limiter.interval, limiter.ttl, cost, *((limiter.kind,) if script == "leaky" else ()))
    return ScriptCall(load(f"limits/{script}"), (limiter.hash,), words, read=bool, idempotent=False)


_SHORT: Mapping[Kind, str] = {"bucket": "bucket", "leaky": "leaky", "points": "leaky"}


def _answers(reply: list[Any]) -> list[Answer]:
    return [_answer(each) for each in reply]


def _answer(reply: Any) -> Answer:
    if reply == 1:
        return True
    if reply == 0:
        return None
    place, *rest = reply
    return Refused(place - 1, *rest)


class Hold(NamedTuple):
    """A place that a job holds while it runs."""

    limiter: Declared
    holder: str

    @property
    def part(self) -> Part:
        """The part of a step that gives it back, and calls the first one that waits for it."""
        return Part("limits.release", self.limiter.line, (self.holder,))


class Passed(NamedTuple):
    """A place that a job of this queue took over, which is in flight now."""

    hold: Hold
    queue: str
    raw: bytes


def release(
    paused: Key, holds: Sequence[Hold], queues: Mapping[str, Key], now: int | None = None
) -> Command[list[Passed]]:
    """Give places back, or pass each on to the job that waits first, if it is of one of these queues.

    `queues` are in-flight lists by the names of queues: such a job is in flight there at once. Paused ones are left
    out. Returns the places that were passed on.
    """
    places: dict[Declared, list[Hold]] = {}
    for hold in holds:
        places.setdefault(hold.limiter, []).append(hold)
    touched = [paused, *queues.values()]
    words: list[Arg] = ["" if now is None else now, len(queues), *queues]
    for limiter, held in places.items():
        touched += (limiter.hash, limiter.line)
        words += (limiter.limit, limiter.lease, len(held), *(holder for _, holder in held))
    ordered = [hold for held in places.values() for hold in held]

    def read(reply: list[Any]) -> list[Passed]:
        return [Passed(hold, text(new[0]), new[1]) for hold, new in zip(ordered, reply, strict=True) if new]

    return ScriptCall(load("limits/release"), touched, words, read=read, idempotent=False)


def renew(
    held: Key, leases: Mapping[Key, Sequence[tuple[int, str]]], lifetime: int, now: int | None = None
) -> Command[int]:
    """Renew the leases of holders, (microseconds, holder) by line. One ZADD for each."""
    lines = list(leases)
    words = [
        word for place, line in enumerate(lines, start=2) for each in leases[line] for word in (place, *each)
    ]  # fmt: skip
    return ScriptCall(load("limits/renew"), (held, *lines), ("" if now is None else now, lifetime, *words), read=int)


def free(held: Key, prefix: str) -> Command[int]:
    """Free everything whose holder begins with a prefix, in the lines that `held` names; returns how much."""
    return ScriptCall(load("limits/free"), (held,), (prefix,), read=int)


def withdraw(line: Key, bell: Key, holder: str) -> Command[bool]:
    """Take out a caller that was interrupted while it asked or waited; what it was given goes on to the next one."""
    return ScriptCall(load("limits/withdraw"), (line, bell), (holder,), read=bool)


class Usage(NamedTuple):
    """A limiter as it is now. `override` is None and the times are 0 if there is none."""

    kind: str
    declared: int
    interval: int
    override: int | None
    paused: int
    used: int
    waiting: int
    free_at: int
    granted: int
    over: int
    waited: int
    reclaimed: int


def usage(hash_key: Key, line: Key, now: int | None = None) -> Command[Usage | None]:
    """Return a limiter as it is now, or None if it is not known."""
    return ScriptCall(load("limits/usage"), (hash_key, line), ("" if now is None else now,), read=_usage)


def _usage(reply: list[Any]) -> Usage | None:
    if not reply:
        return None
    kind, declared, interval, override, *numbers = reply
    return Usage(text(kind), declared, interval, None if override == b"" else int(override), *map(int, numbers))


def edit(hash_key: Key, line: Key, field: Field, value: int | None, ttl: int, now: int | None) -> Command[int]:
    """Set a limiter's own field (None: no longer), or reset it, and call up to 1,000 of those that may go on."""
    words = ("" if now is None else now, ttl, field, "" if value is None else value)
    return ScriptCall(load("limits/edit"), (hash_key, line), words, read=int)


def correct(hash_key: Key, points: int, now: int | None = None) -> Command[bool]:
    """Add to the points that are taken of a limiter, or give some back. A repeat would do so twice."""
    words = ("" if now is None else now, points)
    return ScriptCall(load("limits/correct"), (hash_key,), words, read=bool, idempotent=False)
