"""Batches: sets of jobs whose ends are watched, and the callbacks that follow.

1. A push that adds jobs to batches carries an `Opened` for each: what comes before its jobs in the step, and behind.
2. Each end of a job brings the part that tells its batch (`succeeded`, `failed`, `died`, `left`). The script that
   carries it out decides whether an event has happened, and pushes its callbacks (`wire/lua/lib/batch.lua`).
3. `read`, `page` and `sweep` are for those that look.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, get_args

from teep.errors import RedisCommandError
from teep.store.nodes import NewNodes
from teep.store.running.outcome import End
from teep.wire import commands, json, keys
from teep.wire.command import Command
from teep.wire.commands import score
from teep.wire.keys import Companion
from teep.wire.payload import TimeUnit
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step

FIELD, CALLBACK_OF, NODE = "bid", "callback_of", "node"
"""The fields of a payload: its batch, the batch that a callback tells of, and the node that it is in a workflow."""

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
    `indices`. `parent_node` is the node of its parent that it is a child of. `workflow` is the name of a workflow,
    and None for others; `is_building`: it comes in several pushes, and is nothing until they have all come.
    """

    created_at: float
    description: str | None
    tags: Sequence[str]
    linger: int
    parent: str | None
    callbacks: Sequence[Template]
    indices: int = 0
    parent_node: str | None = None
    workflow: str | None = None
    is_building: bool = False

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
        if self.parent_node is not None:
            made["parent_node"] = self.parent_node.encode()
        if self.workflow is not None:
            made["workflow"] = self.workflow.encode()
        if self.is_building:
            made["building"] = b"1"
        for event in EVENTS:
            if written := [callback.written() for callback in self.callbacks if callback.event == event]:
                made[f"on:{event}"] = b"\n".join(written)
        return made


class Opened(NamedTuple):
    """A batch that a push adds jobs to.

    `declaration` makes it, if it is new. Whoever adds jobs in several pushes holds its events back by a `token`, for
    `lease` milliseconds from each; the push with `closes` is the last one. `is_broken`: its jobs are to be skipped.
    To a workflow it adds `nodes`; those that wait for none are pushed if they are `released`: by name, or () for all
    that the push adds.
    """

    bid: str
    declaration: Declaration | None = None
    token: str = ""
    lease: int = 0
    closes: bool = True
    is_broken: bool = False
    nodes: NewNodes | None = None
    released: Sequence[str] | None = None

    def before(self) -> list[Step]:
        """Return the steps that come before those of its jobs."""
        key = keys.batch(self.bid)
        parts = Parts() if self.declaration is None else self._declared(self.declaration)
        if self.declaration is None and (self.nodes or not self.closes):
            parts = Parts(guards=(Part("batch.open", key),))
        if not self.closes:
            parts = parts.joined(Parts(effects=(Part("batch.hold", key, (self.token, self.lease)),)))
        if self.nodes is not None:
            parts = parts.joined(self.nodes.parts(key))
        return [Step(parts)] if parts else []

    def _declared(self, new: Declaration) -> Parts:
        key = keys.batch(self.bid)
        effects = [Part("batch.set", key, field) for field in new.fields().items()]
        effects += step.scored(keys.batches(), score(new.created_at), self.bid.encode())
        if new.workflow is not None:
            effects += step.scored(keys.workflows(), score(new.created_at), self.bid.encode())
        if new.parent is None:
            return Parts(effects=tuple(effects))
        parent = keys.batch(new.parent)
        if new.parent_node is None:
            effects.append(Part("batch.adopt", parent, (self.bid,)))
        else:
            effects.append(Part("workflow.adopt", parent, (self.bid, new.parent_node)))
        return Parts(guards=(Part("batch.open", parent),), effects=tuple(effects))

    def after(self) -> list[Step]:
        """Return the steps that come behind those of its jobs."""
        key = keys.batch(self.bid)
        last = Part("batch.close", key, (self.token,)) if self.closes else Part("batch.count", key)
        broken = (Part("batch.note", key, ("invalid", 1)),) if self.is_broken else ()
        if self.released is None:
            return [Step(Parts(along=(*broken, last)))]
        release = Part("workflow.release", key, ("\n".join(self.released),))
        if self.closes and not self.token:  # of one push, which Redis took or not, so that nothing is to be closed
            return [Step(Parts(along=(release, Part("batch.count", key), Part("batch.decide", key))))]
        return [Step(Parts(along=(release, last)))]


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
_WAYS_OF_NODES: Mapping[End, str] = {"done": "workflow.succeeded", "dead": "workflow.died"}


def ended(bid: str, jid: str, how: End, node: str | None = None, *, index: int | None = None) -> Part:
    """Return the part by which a batch hears how one of its jobs has ended.

    Those of a block may have an `index`, and in a workflow each is a `node`.
    """
    key = keys.batch(bid)
    if node is not None:
        return Part(_WAYS_OF_NODES.get(how, "workflow.left"), key, (f"{jid} {node}",))
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
    """How many jobs of a batch are pending, have failed and are dead, and how many children have not finished.

    Of a workflow, also how many of its nodes wait, and how many were cancelled before they were pushed.
    """

    pending: int
    failed: int
    dead: int
    children: int
    waiting: int = 0
    cancelled: int = 0


class Record(NamedTuple):
    """A batch as it is in Redis: its bid, the fields of its hash, and the sizes of its sets and of its bits."""

    bid: str
    fields: Mapping[str, bytes]
    sizes: Sizes


class Listing(Protocol):
    """A list of batches, the newest first: that of all, which is here, and that in `store/workflows.py`."""

    async def size(self) -> int: ...
    async def page(self, start: int, count: int = ...) -> tuple[list[str], list[Record]]: ...
    async def sweep(self, bids: Sequence[str], there: Sequence[Record]) -> int: ...


async def read(*bids: str) -> list[Record]:
    """Return those of these batches that there are. One round trip."""
    replies = await commands.pipeline_of([command for bid in bids for command in looks(bid)])
    count = len(replies) // len(bids)
    records = [record_of(bid, replies[count * index : count * (index + 1)]) for index, bid in enumerate(bids)]
    return [record for record in records if record is not None]


def looks(bid: str) -> list[Command[Any]]:
    """Return the commands whose replies make a batch's record."""
    return [
        commands.hgetall(keys.batch(bid)),
        *(commands.scard(keys.batch_set(bid, of)) for of in _COMPANIONS[:4]),
        commands.hlen(keys.workflow_part(bid, "open")),
        commands.scard(keys.workflow_part(bid, "cancelled")),
    ]


def record_of(bid: str, replies: Sequence[Any]) -> Record | None:
    """Return a batch by the replies to its `looks`, or None if there is none."""
    fields, *sizes = replies
    if "created_at" not in fields:
        return None
    found = Sizes(*sizes)
    return Record(bid, fields, found._replace(pending=found.pending + int(fields.get("bits", 0))))


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
    more: list[Command[Any]] = [commands.smembers(keys.batch_set(bid, of)) for of in sets]
    more.append(commands.pttl(keys.batch(bid)))
    *replies, failed, dead, children, life = await commands.pipeline_of(looks(bid) + more)
    found = zip(sets, (failed, dead, children), strict=True)
    return record_of(bid, replies), {of: sorted(reply) for of, reply in found}, life


class Glimpse(NamedTuple):
    """What is told of a batch of any size: of each set no more than some members, sorted.

    `failed` has none that are dead. `openers`: blocks that add jobs; `life`: milliseconds.
    """

    failed: list[str]
    dead: list[str]
    children: list[str]
    fallen: list[str]
    openers: int
    life: int


async def glimpse(bid: str, most: int) -> Glimpse:
    """Return some members of the sets of a batch: at most so many of each. One round trip, however many there are."""
    sets: tuple[Companion, ...] = ("failed", "dead", "children", "fallen")
    looks: list[Command[Any]] = [
        # A count is one of slots, of which nine in ten may be empty.
        *(commands.sscan(keys.batch_set(bid, of), 0, most * 20) for of in sets),
        commands.zcard(keys.batch_set(bid, "openers")),
        commands.pttl(keys.batch(bid)),
    ]
    *scanned, openers, life = await commands.pipeline_of(looks)
    failed, dead, children, fallen = (sorted(members) for _, members in scanned)
    if scanned[1][0]:  # some dead ones were not told of, which the failed ones could be
        failed = []
    alive = [jid for jid in failed if jid not in dead]
    return Glimpse(alive[:most], dead[:most], children[:most], fallen[:most], openers, life)


async def has_fired(bid: str, event: Event) -> bool | None:
    """Tell whether an event has happened; None if there is no such batch. One round trip."""
    created_at, fired = await commands.hmget(keys.batch(bid), "created_at", f"fired:{event}")
    return None if created_at is None else fired is not None


async def is_invalid(bid: str) -> bool:
    """Tell whether the jobs of a batch are to be skipped. One round trip."""
    return await commands.hget(keys.batch(bid), "invalid") is not None


async def note(bid: str, field: str, value: str | int) -> None:
    """Set a field of a batch, if it is there. One round trip."""
    await act(Part("batch.note", keys.batch(bid), (field, value)))


async def invalidate(*bids: str) -> None:
    """Have the jobs of batches skipped from now on. One round trip."""
    await act(*(Part("batch.note", keys.batch(bid), ("invalid", 1)) for bid in bids))


async def decide(*bids: str) -> None:
    """Let the events of batches happen whose time has come, such as after a lease that has ended. One round trip.

    In a workflow each node that waits is looked at: its push may have been refused.
    """
    await act(*(Part("batch.look", keys.batch(bid)) for bid in bids))


async def ended_without_word(bid: str, jobs: Sequence[tuple[str, int | None, str | None]], how: End) -> None:
    """Tell a batch how jobs of it have ended, each by its jid, its index, and the node that it is.

    One round trip a thousand.
    """
    for start in range(0, len(jobs), _PORTION):
        some = jobs[start : start + _PORTION]
        await act(*(ended(bid, jid, how, node, index=index) for jid, index, node in some))


async def forget(*bids: str) -> int:
    """Forget batches, whose jobs go on without them; returns how many there were. One round trip."""
    place = step.Place("zset", keys.batches())
    forgotten = await step.carry_out(
        [Step(Parts(along=(Part("batch.forget", keys.batch(bid)),)), place, bid.encode()) for bid in bids],
        repeatable=True,
    )
    for told in forgotten:
        _refuse(told.refused or told.beside)
    return sum(told.done for told in forgotten)


async def act(*parts: Part) -> None:
    """Carry out parts that go along with nothing else. One round trip.

    Raises:
        RedisCommandError: Redis refused some of it.
    """
    for told in await step.carry_out([Step(Parts(along=(part,))) for part in parts], repeatable=True):
        _refuse(told.refused or told.beside)


def _refuse(why: str) -> None:
    if why:
        raise RedisCommandError(why)


async def sweep(bids: Sequence[str], there: Sequence[Record]) -> int:
    """Take batches that are forgotten out of the list; returns how many. One round trip, if there are any."""
    gone = [bid.encode() for bid in bids if bid not in {record.bid for record in there}]
    return await commands.zrem(keys.batches(), *gone) if gone else 0
