"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from teep.errors import NotMoved, RedisCommandError
from teep.store.batches import Opened
from teep.wire import commands, keys
from teep.wire.command import Command, Pipeline
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step, Told


class Extra(NamedTuple):
    """A job for whose push a feature has parts: its jid, and these parts."""

    jid: str
    parts: Parts


class KeptOut(NamedTuple):
    """A job that was not pushed: its jid, the guard that refused it, and what stood in the way."""

    jid: str
    guard: str
    word: str


_NO_EXTRAS: Mapping[bytes, Extra] = {}


class Push(Pipeline):
    """New payloads by queue, the last given being the newest, and (time, payload) pairs for later. One round trip.

    The queue names are sent first, so that no job lies in a queue that is not listed. A payload among the `extras` is
    pushed together with its parts or not at all, and the result tells which were not. `transactional`: the client may
    hold it back for a database transaction. `repeatable`: it is sent again after a lost answer, though a job may then
    be there twice, under one jid. `batches` are those that it adds jobs to, each before its children. `jids` has the
    jid of each job of a bulk push in which all are alike, for a batch that collects it.
    """

    __slots__ = ("batches", "extras", "jids", "later", "now", "transactional")

    def __init__(
        self,
        now: Mapping[str, Sequence[bytes]],
        later: Sequence[tuple[float, bytes]],
        *,
        extras: Mapping[bytes, Extra] = _NO_EXTRAS,
        transactional: bool = True,
        repeatable: bool = False,
        batches: Sequence[Opened] = (),
        jids: Sequence[str] = (),
    ) -> None:
        self.now = now
        self.later = later
        self.extras = extras
        self.transactional = transactional
        self.batches = batches
        self.jids = jids
        stepped = _stepped(now, later, extras) if extras else []
        if stepped:
            now, later = _others(now, later, extras)
        if batches:
            stepped = _within(batches, stepped)
        sends: list[Command[Any]] = []
        if now:
            sends.append(_listed(*now))
        for queue, raws in now.items():
            sends.append(commands.lpush(keys.queue(queue), *raws, repeatable=repeatable))
        if later:
            sends.append(commands.zadd(keys.schedule(), *later, repeatable=repeatable))
        if stepped:
            sends.append(step.carry_out([each for _, each in stepped], repeatable=repeatable))
        read = partial(_kept_out, [jid for jid, _ in stepped], batches) if stepped else _none_kept_out
        super().__init__(sends, read=read, idempotent=repeatable)  # as each but the SADD

    @property
    def jobs(self) -> int:
        """How many there are, the nodes of workflows included."""
        nodes = sum(len(opened.nodes.nodes) for opened in self.batches if opened.nodes is not None)
        return sum(map(len, self.now.values())) + len(self.later) + nodes


@lru_cache(maxsize=128)  # of the few queues that a program pushes to
def _listed(*queues: str) -> Command[int]:
    return commands.sadd(keys.queues(), *queues)


def joined(pushes: Sequence[Push]) -> Push:
    """Return one push of all jobs of several, in their order. It is repeatable: no caller is left to decide that."""
    now: dict[str, list[bytes]] = {}
    for push in pushes:
        for queue, raws in push.now.items():
            now.setdefault(queue, []).extend(raws)
    later = [entry for push in pushes for entry in push.later]
    extras = {raw: extra for push in pushes for raw, extra in push.extras.items()}
    batches = [opened for push in pushes for opened in push.batches]
    return Push(now, later, extras=extras, repeatable=True, batches=batches)


def _stepped(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], extras: Mapping[bytes, Extra]
) -> list[tuple[str, Step]]:
    """Return the jid and the step of each job that has one."""
    queued = [
        _step(extras[raw], step.queued(keys.queues(), queue, keys.queue(queue), raw))
        for queue, raws in now.items()
        for raw in raws
        if raw in extras
    ]
    scheduled = [
        _step(extras[raw], step.scored(keys.schedule(), commands.score(at), raw))
        for at, raw in later
        if raw in extras
    ]
    return queued + scheduled


def _within(batches: Sequence[Opened], jobs: list[tuple[str, Step]]) -> list[tuple[str, Step]]:
    """Return the steps of jobs within those of their batches; a child closes before its parent."""
    before = [(opened.bid, each) for opened in batches for each in opened.before()]
    after = [(opened.bid, each) for opened in reversed(batches) for each in opened.after()]
    return [*before, *jobs, *after]


def _step(extra: Extra, effects: tuple[Part, ...]) -> tuple[str, Step]:
    # A feature's parts come last, so that nothing is left of a job that Redis did not take.
    return extra.jid, Step(Parts(effects=effects).joined(extra.parts))


def _others(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], extras: Mapping[bytes, Extra]
) -> tuple[Mapping[str, Sequence[bytes]], Sequence[tuple[float, bytes]]]:
    plain = {queue: [raw for raw in raws if raw not in extras] for queue, raws in now.items()}
    return {queue: raws for queue, raws in plain.items() if raws}, [
        (at, raw) for at, raw in later if raw not in extras
    ]


def _kept_out(jids: Sequence[str], batches: Sequence[Opened], replies: Sequence[Any]) -> list[KeptOut]:
    """Read the outcome of a push, in which the steps go last.

    Raises:
        NotMoved: Redis refused some of them, and took others.
        RedisCommandError: it refused a part that goes along with a batch; its jobs are pushed all the same.
    """
    told: Iterable[tuple[str, Told]] = list(zip(jids, replies[-1], strict=True))
    refused = {jid: each.refused for jid, each in told if each.refused}
    if refused:
        words = f"{next(iter(refused.values()))}; not pushed: {', '.join(refused)}"
        raise NotMoved(words, len(jids) - len(refused))
    bids = {opened.bid for opened in batches}
    if beside := next((each.beside for name, each in told if each.beside and name in bids), ""):
        raise RedisCommandError(f"{beside}; the jobs are pushed all the same")
    return [KeptOut(jid, each.guard, each.word) for jid, each in told if each.guard]


def _none_kept_out(_: Sequence[Any]) -> list[KeptOut]:
    return []
