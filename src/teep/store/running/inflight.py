"""Jobs in flight: those that a process has reserved and not yet acknowledged, one list per process and queue.

1. `exchange` acknowledges and reserves in one round trip; `settle` carries out every other outcome.
2. `give_back` and `requeue_all` return jobs to the tails of their queues.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from teep.errors import RedisError
from teep.store import features
from teep.store.running import oversize
from teep.store.running.outcome import Counted, Outcome, size, smaller
from teep.wire import commands, keys, scripts
from teep.wire.command import Command
from teep.wire.commands import score
from teep.wire.keys import Key
from teep.wire.scripts import step
from teep.wire.scripts.step import Counter, Part, Parts, Place, Step, Told

DAY_STATS_SECONDS = 5 * 365 * 86_400
REQUEUE_BATCH = 500


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
    """Return the parts that go along with the end of a job, or with a failure after which it comes again."""
    along = outcome.along
    if along is None:
        if outcome.end is not None:
            along = features.on_end(outcome.payload or outcome.raw, outcome.end)
        else:
            along = features.on_failure(outcome.raw) if outcome.counted == "failed" else ()
    along += outcome.held
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
