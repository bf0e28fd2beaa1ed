"""Batches: sets of jobs whose ends are watched, and the callbacks that follow.

1. A push that adds jobs to batches carries an `Opened` for each: what comes before its jobs in the step, and behind.
2. Each end of a job brings the part that tells its batch (`succeeded`, `failed`, `died`, `left`). The script that
   carries it out decides whether an event has happened, and pushes its callbacks (`wire/lua/lib/batch.lua`).
3. `read`, `page` and `sweep` are for those that look.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from teep.errors import RedisCommandError
from teep.store.running.outcome import End
from teep.wire import commands, json, keys
from teep.wire.command import Command
from teep.wire.commands import score
from teep.wire.keys import Companion
from teep.wire.payload import TimeUnit
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step

FIELD, CALLBACK_OF = "bid", "callback_of"
"""The fields of a payload: the batch that a job is of, and the one that a callback tells of."""

Event = Literal["complete", "success", "death", "finish"]
EVENTS: tuple[Event, ...] = get_args(Event)

_COMPANIONS: tuple[Companion, ...] = get_args(Companion)
PAGE = 100
_PORTION = 1_000
_HEX = frozenset("0123456789abcdef")


def is_ours(bid: object) -> bool:
    """Tell whether a bid is one of teep's: 24 hex digits, as no other program writes them."""
    return type(bid) is str and len(bid) == 24 and _is_hex(bid)


@lru_cache(maxsize=128)  # of the few batches whose jobs a process runs
def _is_hex(bid: str) -> bool:
    return _HEX.issuperset(bid)


class Template(NamedTuple):
    """A callback that is ready but for the time when it is queued, which stands between `head` and `tail`."""

    event: Event
    jid: str
    queue: str
    unit: TimeUnit
    head: bytes
    tail: bytes

    def written(self) -> bytes:
        """Return what its batch remembers. JSON holds neither a NUL nor the end of a line."""
        words = (self.jid, keys.queue(self.queue), keys.queues(), self.queue, self.unit)
        return b"\0".join((*(word.encode() for word in words), self.head, self.tail))


class Declaration(NamedTuple):
    """A new batch: when it is made (epoch seconds), what it is for, and what is pushed at its events.

    `linger` is how long (milliseconds) it is remembered once all its jobs are over. Its first jobs take so many
    `indices`.
    """

    created_at: float
    description: str | None
    tags: Sequence[str]
    linger: int
    parent: str | None
    callbacks: Sequence[Template]
    indices: int = 0

    def fields(self) -> dict[str, bytes]:
        """Return the fields of its hash."""
        about = {"description": self.description, "tags": list(self.tags)}
        made = {
            "created_at": score(self.created_at).encode(),
            "about": json.dumps(about),
            "linger": b"%d" % self.linger,
        }
        if self.indices:
            made["next"] = b"%d" % self.indices
        if self.parent is not None:
            made["parent"] = keys.batch(self.parent).encode()
        for event in EVENTS:
            if written := [callback.written() for callback in self.callbacks if callback.event == event]:
                made[f"on:{event}"] = b"\n".join(written)
        return made


class Opened(NamedTuple):
    """A batch that a push adds jobs to.

    `declaration` makes it, if it is new. Whoever adds jobs in several pushes holds its events back by a `token`, for
    `lease` milliseconds from each; the push with `closes` is the last one. `is_broken`: its jobs are to be skipped.
    """

    bid: str
    declaration: Declaration | None = None
    token: str = ""
    lease: int = 0
    closes: bool = True
    is_broken: bool = False

    def before(self) -> list[Step]:
        """Return the steps that come before those of its jobs."""
        key = keys.batch(self.bid)
        parts = Parts() if self.declaration is None else self._declared(self.declaration)
        if not self.closes:
            hold = Part("batch.hold", key, (self.token, self.lease))
            is_open = () if self.declaration is not None else (Part("batch.open", key),)
            parts = parts.joined(Parts(guards=is_open, effects=(hold,)))
        return [Step(parts)] if parts else []

    def _declared(self, new: Declaration) -> Parts:
        key = keys.batch(self.bid)
        effects = [Part("batch.set", key, field) for field in new.fields().items()]
        effects += step.scored(keys.batches(), score(new.created_at), self.bid.encode())
        if new.parent is None:
            return Parts(effects=tuple(effects))
        parent = keys.batch(new.parent)
        effects.append(Part("batch.adopt", parent, (self.bid,)))
        return Parts(guards=(Part("batch.open", parent),), effects=tuple(effects))

    def after(self) -> list[Step]:
        """Return the steps that come behind those of its jobs."""
        key = keys.batch(self.bid)
        last = Part("batch.close", key, (self.token,)) if self.closes else Part("batch.count", key)
        broken = (Part("batch.note", key, ("invalid", 1)),) if self.is_broken else ()
        return [Step(Parts(along=(*broken, last)))]


def joining(bid: str, jid: str) -> Parts:
    """Return the parts by which a job that is pushed becomes one of a batch."""
    key, guards = _joined(bid)
    return Parts(guards, (Part("batch.add", key, (jid,)),))


@lru_cache(maxsize=8)
def _joined(bid: str) -> tuple[keys.Key, tuple[Part, ...]]:
    key = keys.batch(bid)
    return key, (Part("batch.open", key),)


def unjoined(parts: Parts) -> Parts | None:
    """Return the other parts of a job that would become one of a batch by these; None if it would not."""
    effects = tuple(part for part in parts.effects if part.name != "batch.add")
    if effects == parts.effects:
        return None
    return parts._replace(guards=tuple(part for part in parts.guards if part.name != "batch.open"), effects=effects)


_WAYS: Mapping[End, str] = {"dead": "batch.died"}


def ended(bid: str, jid: str, how: End, index: int | None = None) -> Part:
    """Return the part by which a batch hears how one of its jobs has ended. Those of a block may have an `index`."""
    key = keys.batch(bid)
    if how == "done":  # of the one word that goes along with an acknowledgement
        if index is None:
            return Part("batch.succeeded", key, (jid,))
        return Part("compact.succeeded", key, (f"{index} {jid}",))
    return Part(_WAYS.get(how, "batch.left"), key, _words(jid, index))


def failed(bid: str, jid: str, index: int | None = None) -> Part:
    """Return the part by which a batch hears that one of its jobs has failed, and comes again."""
    return Part("batch.failed", keys.batch(bid), _words(jid, index))


def _words(jid: str, index: int | None) -> tuple[str, str]:
    return jid, "" if index is None else str(index)


class Sizes(NamedTuple):
    """How many jobs of a batch are pending, have failed and are dead, and how many children have not finished."""

    pending: int
    failed: int
    dead: int
    children: int


class Record(NamedTuple):
    """A batch as it is in Redis: its bid, the fields of its hash, and the sizes of its sets and of its bits."""

    bid: str
    fields: Mapping[str, bytes]
    sizes: Sizes


async def read(*bids: str) -> list[Record]:
    """Return those of these batches that there are. One round trip."""
    looks: list[Command[Any]] = [command for bid in bids for command in _looks(bid)]
    replies = await commands.pipeline_of(looks)
    rows = [(bid, *replies[5 * index : 5 * index + 5]) for index, bid in enumerate(bids)]
    return [_record(bid, fields, sizes) for bid, fields, *sizes in rows if "created_at" in fields]


def _record(bid: str, fields: Mapping[str, bytes], sizes: Sequence[int]) -> Record:
    found = Sizes(*sizes)
    return Record(bid, fields, found._replace(pending=found.pending + int(fields.get("bits", 0))))


def _looks(bid: str) -> list[Command[Any]]:
    return [
        commands.hgetall(keys.batch(bid)),
        *(commands.scard(keys.batch_set(bid, of)) for of in _COMPANIONS[:4]),
    ]


async def size() -> int:
    """Return how many batches are listed: those that are, and those that were forgotten lately. One round trip."""
    return await commands.zcard(keys.batches())


async def page(start: int, count: int = PAGE) -> tuple[list[str], list[Record]]:
    """Return the bids of a page of the list, the newest batch first, and those that there are. Two round trips."""
    bids = [commands.text(bid) for bid, _ in await commands.zrevrange(keys.batches(), start, start + count - 1)]
    return bids, await read(*bids) if bids else []


async def members(bid: str, of: Companion) -> list[str]:
    """Return the jids of a set of a batch, or the bids of its children, sorted. One round trip."""
    return sorted(await commands.smembers(keys.batch_set(bid, of)))


async def look(bid: str) -> tuple[Record | None, dict[Companion, list[str]], int]:
    """Return a batch, the members of its sets of failed and dead jobs and of children, and its life in milliseconds.

    One round trip.
    """
    sets: tuple[Companion, ...] = ("failed", "dead", "children")
    looks: list[Command[Any]] = [
        *_looks(bid),
        *(commands.smembers(keys.batch_set(bid, of)) for of in sets),
        commands.pttl(keys.batch(bid)),
    ]
    fields, *replies, life = await commands.pipeline_of(looks)
    record = _record(bid, fields, replies[:4]) if "created_at" in fields else None
    return record, {of: sorted(reply) for of, reply in zip(sets, replies[4:], strict=True)}, life


async def has_fired(bid: str, event: Event) -> bool | None:
    """Tell whether an event has happened; None if there is no such batch. One round trip."""
    created_at, fired = await commands.hmget(keys.batch(bid), "created_at", f"fired:{event}")
    return None if created_at is None else fired is not None


async def is_invalid(bid: str) -> bool:
    """Tell whether the jobs of a batch are to be skipped. One round trip."""
    return await commands.hget(keys.batch(bid), "invalid") is not None


async def note(bid: str, field: str, value: str | int) -> None:
    """Set a field of a batch, if it is there. One round trip."""
    await _act(Part("batch.note", keys.batch(bid), (field, value)))


async def decide(*bids: str) -> None:
    """Let the events of batches happen whose time has come, such as after a lease that has ended. One round trip."""
    await _act(*(Part("batch.decide", keys.batch(bid)) for bid in bids))


async def discard(bid: str, jobs: Sequence[tuple[str, int | None]]) -> None:
    """Tell a batch that jobs of it, each a jid and an index, are nowhere any more. One round trip a thousand."""
    for start in range(0, len(jobs), _PORTION):
        await _act(*(ended(bid, jid, "deleted", index) for jid, index in jobs[start : start + _PORTION]))


async def forget(bid: str) -> bool:
    """Forget a batch, whose jobs go on without it; False if there was none. One round trip."""
    (told,) = await step.carry_out(
        [
            Step(
                Parts(along=(Part("batch.forget", keys.batch(bid)),)),
                step.Place("zset", keys.batches()),
                bid.encode(),
            )
        ],
        repeatable=True,
    )
    _refuse(told.refused or told.beside)
    return told.done


async def _act(*parts: Part) -> None:
    for told in await step.carry_out([Step(Parts(along=(part,))) for part in parts], repeatable=True):
        _refuse(told.refused or told.beside)


def _refuse(why: str) -> None:
    if why:
        raise RedisCommandError(why)


async def sweep(bids: Sequence[str], there: Sequence[Record]) -> int:
    """Take batches that are forgotten out of the list; returns how many. One round trip, if there are any."""
    gone = [bid.encode() for bid in bids if bid not in {record.bid for record in there}]
    return await commands.zrem(keys.batches(), *gone) if gone else 0
