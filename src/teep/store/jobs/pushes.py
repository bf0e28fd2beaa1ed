"""Pushing new payloads: to their queues, and to the scheduled set."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from teep.errors import NotMoved, RedisCommandError
from teep.store.batches import Opened
from teep.store.compact import Row
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
    be there twice, under one jid. `batches` are those that it adds jobs to, each before its children; `rows` are more
    payloads, of jobs that their batches know by an index. `jids` has the jid of each job of a bulk push in which all
    are alike, for a batch that collects it.
    """

    __slots__ = ("batches", "extras", "jids", "later", "now", "rows", "transactional")

    def __init__(
        self,
        now: Mapping[str, Sequence[bytes]],
        later: Sequence[tuple[float, bytes]],
        *,
        extras: Mapping[bytes, Extra] = _NO_EXTRAS,
        transactional: bool = True,
        repeatable: bool = False,
        batches: Sequence[Opened] = (),
        rows: Sequence[Row] = (),
        jids: Sequence[str] = (),
    ) -> None:
        self.now = now
        self.later = later
        self.extras = extras
        self.transactional = transactional
        self.batches = batches
        self.rows = rows
        self.jids = jids
        stepped = _stepped(now, later, extras) if extras else []
        if stepped:
            now, later = _others(now, later, extras)
        if batches:
            stepped = _within(batches, [*((row.bid, len(row.jobs), row.step()) for row in rows), *stepped])
        sends: list[Command[Any]] = []
        if now:
            sends.append(_listed(*now))
        for queue, raws in now.items():
            sends.append(commands.lpush(keys.queue(queue), *raws, repeatable=repeatable))
        if later:
            sends.append(commands.zadd(keys.schedule(), *later, repeatable=repeatable))
        if stepped:
            sends.append(step.carry_out([each for _, _, each in stepped], repeatable=repeatable))
        read = partial(_kept_out, [(name, jobs) for name, jobs, _ in stepped], batches) if stepped else _none_kept_out
        super().__init__(sends, read=read, idempotent=repeatable)  # as each but the SADD

    @property
    def jobs(self) -> int:
        """How many there are."""
        return sum(map(len, self.now.values())) + len(self.later) + sum(len(row.jobs) for row in self.rows)


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
    rows = [row for push in pushes for row in push.rows]
    return Push(now, later, extras=extras, repeatable=True, batches=batches, rows=rows)


# A step, with the number of jobs that it pushes, and the jid of the only one or the bid of their batch.
_Named = tuple[str, int, Step]


def _stepped(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], extras: Mapping[bytes, Extra]
) -> list[_Named]:
    """Return the steps of the jobs that have one each."""
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


def _within(batches: Sequence[Opened], jobs: list[_Named]) -> list[_Named]:
    """Return the steps of jobs within those of their batches; a child closes before its parent."""
    before = [(opened.bid, 0, each) for opened in batches for each in opened.before()]
    after = [(opened.bid, 0, each) for opened in reversed(batches) for each in opened.after()]
    return [*before, *jobs, *after]


def _step(extra: Extra, effects: tuple[Part, ...]) -> _Named:
    # A feature's parts come last, so that nothing is left of a job that Redis did not take.
    return extra.jid, 1, Step(Parts(effects=effects).joined(extra.parts))


def _others(
    now: Mapping[str, Sequence[bytes]], later: Sequence[tuple[float, bytes]], extras: Mapping[bytes, Extra]
) -> tuple[Mapping[str, Sequence[bytes]], Sequence[tuple[float, bytes]]]:
    plain = {queue: [raw for raw in raws if raw not in extras] for queue, raws in now.items()}
    return {queue: raws for queue, raws in plain.items() if raws}, [
        (at, raw) for at, raw in later if raw not in extras
    ]


def _kept_out(stepped: Sequence[tuple[str, int]], batches: Sequence[Opened], replies: Sequence[Any]) -> list[KeptOut]:
    """Read the outcome of a push, in which the steps go last.

    Raises:
        NotMoved: Redis refused some of them, and took others.
        RedisCommandError: it refused a part that goes along with a batch; its jobs are pushed all the same.
    """
    told: list[tuple[str, int, Told]] = [(*each, how) for each, how in zip(stepped, replies[-1], strict=True)]
    if refused := [each for each in told if each[2].refused]:
        names = ", ".join(name if jobs < 2 else f"{jobs} jobs of batch {name}" for name, jobs, _ in refused)
        words = f"{refused[0][2].refused}; not pushed: {names}"
        raise NotMoved(words, sum(jobs for _, jobs, how in told if how.done))
    bids = {opened.bid for opened in batches}
    if beside := next((how.beside for name, _, how in told if how.beside and name in bids), ""):
        raise RedisCommandError(f"{beside}; the jobs are pushed all the same")
    return [KeptOut(name, how.guard, how.word) for name, _, how in told if how.guard]


def _none_kept_out(_: Sequence[Any]) -> list[KeptOut]:
    return []
