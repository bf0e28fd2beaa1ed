"""Jobs in flight: those that a process has reserved and not yet acknowledged, one list per process and queue.

1. `exchange` acknowledges and reserves in one round trip; `settle` carries out every other outcome.
2. `give_back` and `requeue_all` return jobs to the tails of their queues.
3. `rescue` returns those of a dead process to their queues, each with a mark, or moves them to the dead set.
   `suspect_started` notes that a marked job starts, which tells it from one that was only reserved ahead.
4. A registry of teep's own names every process that may have jobs in flight, because Ruby's API prunes `processes`.
   Only `forget` removes an entry, if the lists are empty. `orphans` finds processes that are not in the registry.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, Protocol

from teep.errors import MalformedPayload, RedisError
from teep.store import features, processes
from teep.store.running import oversize
from teep.store.running.outcome import Counted, Outcome, size, smaller
from teep.wire import commands, json, keys, scripts
from teep.wire.command import Command
from teep.wire.commands import score
from teep.wire.keys import Key
from teep.wire.scripts import step
from teep.wire.scripts.moves import Moves, not_moved
from teep.wire.scripts.step import Counter, Part, Parts, Place, Step, Told

__all__ = ["Outcome"]

DAY_STATS_SECONDS = 5 * 365 * 86_400
REQUEUE_BATCH = 500


class Owner(NamedTuple):
    """A process that may have jobs in flight, as it registered itself.

    `machine` tells pid spaces apart ("" if unknown: then pids mean nothing). `started` (ticks since boot, 0 if
    unknown) tells reused pids apart.
    """

    identity: str
    pid: int
    machine: str
    started: int
    queues: tuple[str, ...]


class Success(Protocol):
    """A job that is done: its queue, its exact bytes, and the parts that go along."""

    @property
    def queue(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def along(self) -> tuple[Part, ...]: ...


class Buried(Told):
    """The outcome of a job that was too large for where it should have gone: it is in the dead set, as it was."""

    __slots__ = ()


# Decides about a rescued job: takes its queue, its payload and the suspects that its process had started; returns the
# payload to put back, or the job's outcome.
Judge = Callable[[str, bytes, Collection[str]], bytes | Outcome]


def exchange(
    identity: str,
    done: Mapping[str, Sequence[bytes]],
    queues: Sequence[str],
    limit: int,
    day: date,
    along: Sequence[Success] = (),
) -> Command[scripts.Exchanged]:
    """Acknowledge the `done` payloads by queue, and reserve up to `limit` jobs from `queues`, in that order.

    `along` are more that are done, with parts that go along. Paused queues give no jobs.

    Its result holds the (queue, payload) of those reserved, and the done payloads that were no longer in flight.
    """
    involved = [*queues, *(queue for queue in done if queue not in queues)] if limit else list(done)
    lanes = [
        scripts.Lane(queue, keys.queue(queue), keys.inflight(queue, identity), done.get(queue, ()))
        for queue in involved
    ]
    counters = (keys.processed(), keys.processed_on(day))
    return scripts.exchange(lanes, limit, counters, keys.paused(), DAY_STATS_SECONDS, _lots(identity, along))


_name = itemgetter(0)  # of a part


def _lots(identity: str, jobs: Sequence[Success]) -> list[scripts.Lot]:
    """Return the successes by queue, and by the kinds of parts that go along with them."""
    lots: dict[tuple[str, ...], scripts.Lot] = {}
    for job in jobs:
        along = job.along
        shape = (job.queue, *map(_name, along))
        lot = lots.get(shape)
        if lot is None:
            lot = lots[shape] = scripts.Lot(keys.inflight(job.queue, identity), [], [])
        lot.done.append(job.raw)
        lot.along.append(along)
    return list(lots.values())


async def settle(identity: str, outcomes: Sequence[Outcome], day: date) -> list[Told]:
    """Settle jobs that take more than an acknowledgement, each independently of the others.

    One round trip, more if they are large. A job on which its server hangs up is settled in a smaller form.
    """
    told: list[Told] = []
    for some in oversize.portions(outcomes, size):
        try:
            told += await settling(identity, some, day)
        except RedisError as error:
            if size(some[0]) <= oversize.PORTION or not await oversize.hung_up(error):
                raise
            told.append(await _settle_smaller(identity, some[0], day))
    return told


def settling(identity: str, outcomes: Sequence[Outcome], day: date) -> Command[list[Told]]:
    """Return the command that settles jobs, in their order."""
    places = {queue: Place("list", keys.inflight(queue, identity)) for queue in {each.queue for each in outcomes}}
    return step.carry_out([_step(places[outcome.queue], outcome, day) for outcome in outcomes])


async def _settle_smaller(identity: str, outcome: Outcome, day: date) -> Told:
    # First as it is once more: the connection may have been lost by chance.
    for form, left_out in ((outcome, ""), *smaller(outcome)):
        try:
            (told,) = await settling(identity, [form], day)
        except RedisError as error:
            if not await oversize.hung_up(error):
                raise
            continue
        if told.refused:
            return told
        if told.done and form.end == "dead" != outcome.end:
            return Buried(done=True, beside=left_out)
        # Not in flight: an answer was lost, and it was settled before.
        return Told(done=True, beside=left_out or told.beside)
    return Told(done=False, refused=oversize.TOO_LARGE)


def _step(place: Place, outcome: Outcome, day: date) -> Step:
    effects = () if outcome.target is None else _effects(outcome, outcome.target)
    counters = () if outcome.counted is None else _counters(outcome.counted, day)
    return Step(Parts((), effects, _along(outcome)), place, outcome.raw, counters)


def _along(outcome: Outcome) -> tuple[Part, ...]:
    """Return the parts that go along with the end of a job."""
    along = outcome.along
    if along is None:
        along = () if outcome.end is None else features.on_end(outcome.raw, outcome.end)
    return along if outcome.place is None else (*along, Part("UNLINK", outcome.place))


def _effects(outcome: Outcome, target: Key) -> tuple[Part, ...]:
    if outcome.score is None:
        return step.queued(keys.queues(), outcome.queue, target, outcome.payload)
    return step.scored(target, score(outcome.score), outcome.payload)


@lru_cache(maxsize=8)
def _counters(counted: Counted, day: date) -> tuple[Counter, ...]:
    processed = ((keys.processed(), 0), (keys.processed_on(day), DAY_STATS_SECONDS))
    if counted == "done":
        return processed
    if counted == "expired":
        return (*processed, (keys.expired(), 0), (keys.expired_on(day), DAY_STATS_SECONDS))
    return (*processed, (keys.failed(), 0), (keys.failed_on(day), DAY_STATS_SECONDS))


def blocking_moves(identity: str, queues: Sequence[str], seconds: int) -> list[Command[bytes | None]]:
    """Return one blocking move per queue: its next job into this process's in-flight list."""
    return [commands.blmove_tail(keys.queue(queue), keys.inflight(queue, identity), seconds) for queue in queues]


async def payloads(identity: str, queues: Sequence[str]) -> dict[str, list[bytes]]:
    """Return every payload in flight at a process, by queue; never from a replica. One round trip."""
    found = await scripts.in_flight_payloads([keys.inflight(queue, identity) for queue in queues])
    return dict(zip(queues, found, strict=True))


async def give_back(identity: str, queue: str, raws: Sequence[bytes]) -> int:
    """Put reserved jobs (oldest first) back into their queue; returns how many were still in flight.

    One round trip, more if they are large.

    Raises:
        NotMoved: Redis refused some, which stay in flight.
    """
    source, target = keys.inflight(queue, identity), keys.queue(queue)
    # From the newest on: the job that goes back last runs first.
    moved = await oversize.move(
        raws[::-1], len, lambda some: scripts.give_back(source, target, keys.queues(), queue, some[::-1])
    )
    return sum(moved.checked())


async def requeue_all(identity: str, queues: Sequence[str]) -> dict[str, int]:
    """Put all jobs in flight at a process back, the oldest to run next; returns how many by queue."""
    moved = dict.fromkeys(queues, 0)
    for queue in queues:
        source, target = keys.inflight(queue, identity), keys.queue(queue)
        while await commands.llen(source):
            await commands.sadd(keys.queues(), queue)
            moved[queue] += await scripts.requeue(source, target, REQUEUE_BATCH)
    return {queue: count for queue, count in moved.items() if count}


async def register(owner: Owner) -> None:
    """Enter a process into the registry. Idempotent; must come before its first reservation."""
    await commands.hset(keys.inflight_owners(), {owner.identity: entry(owner)})


def entry(owner: Owner) -> bytes:
    """Return the registry's entry of a process."""
    value = {
        "pid": owner.pid,
        "machine": owner.machine,
        "started": owner.started,
        "queues": list(owner.queues),
    }
    return json.dumps(value)


async def owners(on_damage: Callable[[MalformedPayload], None] | None = None) -> list[Owner]:
    """Return every registered process. An entry that cannot be read is left alone and reported to `on_damage`."""
    found: list[Owner] = []
    for identity, raw in (await commands.hgetall(keys.inflight_owners())).items():
        try:
            found.append(_owner(identity, raw))
        except MalformedPayload as error:
            if on_damage is not None:
                on_damage(error)
    return found


def _owner(identity: str, raw: bytes) -> Owner:
    try:
        value = json.loads(raw)
        return Owner(identity, value["pid"], value["machine"], value["started"], tuple(value["queues"]))
    except (KeyError, TypeError, MalformedPayload) as error:
        raise MalformedPayload(
            f"the registry entry of {identity} is damaged, so its jobs in flight cannot be rescued: {error!r}"
        ) from error


async def suspect_started(identity: str, jid: str, ended: Sequence[str]) -> None:
    """Note that a process starts a job that was rescued before, and which of those ended since. One round trip."""
    key = keys.suspects(identity)
    await commands.pipeline_of([*([commands.srem(key, *ended)] if ended else []), commands.sadd(key, jid)])


async def rescue(
    owner: Owner, is_gone: Callable[[Owner], bool], judge: Judge, on_death: Callable[[Outcome], None], day: date
) -> dict[str, int] | None:
    """Put back the jobs in flight at a dead process and forget it; None if it lives, else how many jobs by queue.

    It is dead if its heartbeat has expired, or if `is_gone` says so. `judge` decides about each job; `on_death` is
    called with each outcome that has ended one. Rescuing twice, or crashing in between, is harmless: a job leaves the
    list in the step that puts it elsewhere, and the process is forgotten last. If a failover takes moves back, the
    process stays for the next look.

    Costs three round trips, and three more per 500 jobs and queue.

    Raises:
        NotMoved: Redis refused some. They stay for the next look; all others are rescued.
    """
    if not is_gone(owner) and await commands.exists(keys.process(owner.identity)):
        return None
    started = frozenset(await commands.smembers(keys.suspects(owner.identity)))
    moved = dict.fromkeys(owner.queues, 0)
    refused: list[str] = []
    for queue in owner.queues:
        source, target = keys.inflight(queue, owner.identity), keys.queue(queue)
        left = 0  # those that were refused, which stay at the tail
        while raws := await commands.lrange(source, -REQUEUE_BATCH - left, -1 - left):
            verdicts = [(raw, judge(queue, raw, started)) for raw in raws]
            ends = [end for _, end in verdicts if isinstance(end, Outcome)]
            reasons = await _bury(owner.identity, ends, on_death, day)
            if moves := [(raw, new) for raw, new in verdicts if isinstance(new, bytes)]:
                await commands.sadd(keys.queues(), queue)
                rescued = await _put_at_tail(source, target, moves)
                moved[queue] += rescued.moved
                reasons += rescued.refused.values()
            left += len(reasons)
            refused += reasons
    if refused:
        raise not_moved(refused, sum(moved.values()))
    # The number of processes sets how often they look, so the dead must not count for ever.
    await processes.leave(owner.identity)
    await forget(owner.identity, owner.queues)
    return {queue: count for queue, count in moved.items() if count}


async def _put_at_tail(source: Key, target: Key, moves: Sequence[tuple[bytes, bytes]]) -> Moves:
    """Move jobs (oldest first) to the tail; one that its mark makes too large for its server goes without it."""
    return await oversize.move(
        moves[::-1],  # the one that goes back last runs first
        size=lambda move: len(move[0]) + len(move[1]),
        send=lambda some: scripts.rescue(source, target, some[::-1]),
        smaller=lambda move: (move[0], move[0]),
    )


async def _bury(identity: str, ends: Sequence[Outcome], on_death: Callable[[Outcome], None], day: date) -> list[str]:
    """Settle dead jobs; returns why Redis refused some."""
    settled = await settle(identity, ends, day) if ends else []
    for end, what in zip(ends, settled, strict=True):
        if what.done:
            on_death(end)
    return [what.refused for what in settled if what.refused]


async def forget(identity: str, queues: Sequence[str]) -> bool:
    """Take a process out of the registry; False if jobs are in flight there. One round trip."""
    lists = [keys.inflight(queue, identity) for queue in queues]
    return await scripts.forget(keys.inflight_owners(), keys.suspects(identity), lists, identity)
