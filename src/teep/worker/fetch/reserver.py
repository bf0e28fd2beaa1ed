"""A capsule's conversation with Redis about its jobs: settle these, reserve those.

1. `exchange` settles ended jobs and reserves the next ones, in one round trip.
2. `send_ahead` does the same without waiting; `collect` reads the answer.
3. `give_back` and `requeue_all` return jobs to their queues.
4. After a lost answer, the next exchange first compares the jobs held here with those in flight in Redis. So it loses
   no job and runs none twice.
5. If Redis refuses one command, such as one on a set that is another program's string, all others go on. The job
   stays in flight, and its end is sent again from time to time. A refused queue gives no job.

Every job that is in flight for this capsule is in its mirror until Redis has confirmed its end.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NamedTuple, cast

from teep.clock import monotonic
from teep.config import QueueOrder
from teep.errors import NotMoved, RedisCommandError, RedisError
from teep.runtime.component import Component
from teep.runtime.refusals import Refusals
from teep.store import features, limits
from teep.store.jobs import jobsets
from teep.store.limits import Hold, Passed
from teep.store.running import inflight
from teep.telling import Logger
from teep.wire.command import Command, Pipeline
from teep.wire.scripts import Exchanged
from teep.wire.scripts.step import Told
from teep.worker.fetch.ends import Batch, Ended, Ends, by_queue, drain
from teep.worker.fetch.mirror import InFlightMirror
from teep.worker.fetch.passing import Passing
from teep.worker.fetch.places import read as read_places
from teep.worker.fetch.prefetch import Prefetch
from teep.worker.fetch.settlement import LONGEST_PAUSE, Settlement
from teep.worker.fetch.unit import UnitOfWork

logger = Logger("teep.fetcher")

Answer = tuple[list[Told], list[Passed], Exchanged]


class Sent(NamedTuple):
    """An exchange that is under way: a function that waits for its answer, and the ends that it reports."""

    answer: Callable[[], Answer]
    ends: Batch


class Reserver:
    """The conversation with Redis about a capsule's jobs.

    `stock` holds the reserved jobs that have not started. Any thread may take from it, and add to `ends`.
    Everything else is not thread-safe: the fetcher's lock guards it.
    """

    def __init__(self, component: Component, order: QueueOrder) -> None:
        self._driver = component.driver
        self._identity = component.identity
        self._order = order
        self._outage = component.outage
        self._dead_limits = component.config.dead_limits
        self._mirror = InFlightMirror()
        self._suspicious = False
        self.prefetch = Prefetch()
        self.stock: deque[UnitOfWork] = deque()
        self.ends = Ends()
        self._passing = Passing(component.identity, order.names)
        self.settlement = Settlement(self.ends, self._mirror, self._warn)
        self._beside = Refusals(LONGEST_PAUSE)
        self.closed_queues: dict[str, str] = {}
        """The queues that Redis refused at the last exchange, each with its reason."""
        self.sent: Sent | None = None

    def suspect(self) -> None:
        """Compare the jobs held here with those in flight in Redis, at the next exchange."""
        self._suspicious = True

    @property
    def may_give_back(self) -> bool:
        """Whether jobs may return to their queues now; False soon after Redis refused that."""
        return not self._beside.waits

    def refused(self, error: RedisCommandError) -> None:
        """Note that Redis is there but refused a command."""
        self._suspicious = True
        self._warn([str(error)])

    def lost(self, error: RedisError) -> None:
        """Note that an exchange failed, and that its effect is not known."""
        self._suspicious = True
        self._outage.began(error)

    def exchange(self, want: int, *, moving: bool) -> list[UnitOfWork] | None:
        """Report ended jobs and reserve up to `want` jobs; None if Redis is away.

        `moving` tells that a blocking move is under way, whose answer may bring a job that a comparison finds.
        """
        asked = monotonic()
        came = self.collect()
        if came and want:
            self.prefetch.waited(monotonic() - asked)
            return came
        ends = self.ends.take()
        ends.others += self.settlement.due()
        adopted: list[UnitOfWork] = []
        try:
            if self._suspicious:
                adopted = self._compared(ends, moving=moving)
            settled = len(ends)
            jobs = self._tell(ends, want)
        except RedisError as error:
            self._untold(ends)
            self.stock.extend(came + adopted)
            self.lost(error)
            return None
        if settled or want:
            self._outage.over()
            self.prefetch.learn(settled, asked)
            self.prefetch.waited(monotonic() - asked)
        return came + adopted + jobs

    def send_ahead(self) -> None:
        """Ask for the next jobs while the reserved ones run, if these are quick."""
        want = self.prefetch.ahead()
        if not want or self.sent or self._suspicious:
            return
        ends = self.ends.take()
        if not ends.may_be_joined:
            self.ends.put_back(Batch([], [], ends.others))
            ends.others = []
        self.sent = Sent(self._driver.send(self._question(ends, want)), ends)
        self.prefetch.learn(len(ends), monotonic())

    def collect(self) -> list[UnitOfWork]:
        """Wait for the answer to the exchange that was sent ahead, and return its jobs."""
        sent, self.sent = self.sent, None
        if sent is None:
            return []
        try:
            told, places, exchanged = sent.answer()
        except RedisError as error:
            self._untold(sent.ends)
            self.lost(error)
            return []
        jobs = self._answered(exchanged, sent.ends.acknowledged, places, asked=True)
        self._note_ended(sent.ends.others, told)
        return jobs

    def moved(self, taken: list[tuple[str, bytes]]) -> list[UnitOfWork]:
        """Return the jobs that blocking moves brought, without those that a comparison has found meanwhile."""
        fresh = [(queue, raw) for queue, raw in taken if not self._mirror.was_adopted(queue, raw)]
        if len(fresh) < len(taken):
            # Most likely it is the adopted job itself. If that was given back and taken anew, a comparison finds it.
            self._suspicious = True
        self._mirror.forget_adopted()
        jobs = [UnitOfWork(queue, raw) for queue, raw in fresh]
        self._mirror.own(jobs)
        self.prefetch.forget()
        return jobs

    def forget_moves(self) -> None:
        """Note that blocking moves ended without an answer."""
        self._mirror.forget_adopted()

    def give_back(self, jobs: list[UnitOfWork]) -> None:
        """Return reserved jobs to their queues, in their former order."""
        # If this fails they are unknown from now on, and the next comparison finds those still in flight.
        self._mirror.disown(jobs)
        for queue, raws in by_queue(jobs).items():
            try:
                self._driver.run(inflight.give_back(self._identity, queue, raws))
            except NotMoved as error:
                self.refused(error)
            except RedisError as error:
                self.lost(error)
                break
        self._let_go([hold for job in jobs for hold in job.held])
        if jobs:
            logger.debug("gave back %d jobs that could not start soon", len(jobs))

    def give_back_stock(self) -> None:
        """Return every job that has not started to its queue, including those of an exchange under way."""
        self.give_back(drain(self.stock) + self.collect())
        self.prefetch.forget()

    def requeue_all(self) -> dict[str, int]:
        """Return all jobs in flight to their queues without counting an attempt; returns how many by queue.

        Raises:
            RedisError: Redis is away or refuses.
        """
        if last := self.settlement.take_refused():
            self._tell_ended(last)
        moved = self._driver.run(inflight.requeue_all(self._identity, list(self._order.weights)))
        self._mirror.clear()
        self.settlement.clear()
        return moved

    def _let_go(self, held: list[Hold]) -> None:
        """Give places back that no job here needs; if that fails, they end by themselves."""
        try:
            if held:
                self._driver.execute(limits.carry_out_all([hold.part for hold in held]))
        except RedisError as error:
            self.lost(error)

    def _tell(self, ends: Batch, want: int) -> list[UnitOfWork]:
        acknowledged = ends.acknowledged
        if ends.others and not (ends.may_be_joined and (acknowledged or want)):
            self._tell_ended(ends.others)
        if not (acknowledged or want):
            return []
        told, places, exchanged = self._driver.execute(self._question(ends, want))
        jobs = self._answered(exchanged, acknowledged, places, asked=bool(want))
        self._note_ended(ends.others, told)
        return jobs

    def _tell_ended(self, ended: list[Ended]) -> None:
        told = self._driver.run(inflight.settle(self._identity, [outcome for _, outcome in ended], _today()))
        self._note_ended(ended, told)

    def _note_ended(self, ended: list[Ended], told: list[Told]) -> None:
        if self.settlement.note(ended, told):
            self._trim_dead()

    def _trim_dead(self) -> None:
        try:
            self._driver.run(jobsets.trim_dead(time.time(), self._dead_limits))
        except RedisCommandError as error:
            self._warn([f"the dead set cannot be trimmed: {error}"])
        except RedisError as error:
            self.lost(error)  # not raised: the jobs that the same exchange reserved must be kept

    def _warn(self, problems: Iterable[str], job: UnitOfWork | None = None) -> None:
        """Log refusals of Redis that keep no job in flight, each once as long as it lasts."""
        for problem in self._beside.note(problems):
            logger.error("Redis refuses: %s", problem, extra=None if job is None else job.named())

    def _question(self, ends: Batch, want: int) -> Command[Answer]:
        day, done, along = _today(), ends.done, ends.along
        if along and features.of_code():
            self._passing.take(along)
            done = [*done, *(job for job in along if not job.along)]
            along = [job for job in along if job.along]
        exchange = inflight.exchange(self._identity, by_queue(done), self._order.names(), want, day, along)
        others = [outcome for _, outcome in ends.others]
        settle = [inflight.settling(self._identity, others, day)] if others else []
        places = self._passing.questions(reserving=want > 0)
        if not (settle or places):
            return cast("Command[Answer]", Pipeline([exchange], read=_answer_alone))
        return cast(
            "Command[Answer]",
            Pipeline([*settle, *places, exchange], read=partial(_answer, bool(settle), bool(places))),
        )

    def _answered(
        self, answer: Exchanged, done: list[UnitOfWork], places: list[Passed], *, asked: bool
    ) -> list[UnitOfWork]:
        self.settlement.acknowledged(done, answer.late)
        if answer.refused or (self.closed_queues and asked):
            self._see_closed(answer.refused)
        jobs = [UnitOfWork(queue, raw) for queue, raw in answer.reserved]
        if places:
            following, unfit = self._passing.passed(places)
            jobs = following + jobs
            self._let_go(unfit)
        self._mirror.own(jobs)
        read_places(self._driver, jobs)
        return jobs

    def _see_closed(self, refused: dict[str, str]) -> None:
        self.closed_queues = {queue: why for queue, why in refused.items() if queue}
        self._warn(refused.values())

    def _untold(self, ends: Batch) -> None:
        """Keep ends that Redis may not know of, for the next comparison and exchange."""
        self._passing.lost()
        ends.set_large_apart()
        self.ends.put_back(ends)
        self._mirror.doubt(ends.acknowledged)
        self._mirror.doubt(job for job, _ in ends.others)

    def _compared(self, ends: Batch, *, moving: bool) -> list[UnitOfWork]:
        """Compare with the jobs in flight in Redis: return the unknown ones, and drop those that are no longer ours.

        If an ended job is gone, its end reached Redis before the answer was lost, or another worker got the job.
        """
        held = self._driver.run(inflight.payloads(self._identity, list(self._order.weights)))
        unknown = self._mirror.compare(held)
        ends.drop(self._mirror.is_gone_settled)
        self.settlement.drop(self._mirror.is_gone_settled)
        for job in drain(self.stock):
            if not self._mirror.is_gone(job):
                self.stock.append(job)
        self._mirror.compared()
        self._suspicious = False
        if moving:
            self._mirror.adopt(unknown)
        return unknown


def _answer_alone(replies: list[Any]) -> Answer:
    return [], [], replies[0]


def _answer(settled: bool, passed: bool, replies: list[Any]) -> Answer:
    return (replies[0] if settled else []), (replies[-2] if passed else []), replies[-1]


def _today() -> date:
    return datetime.now(UTC).date()
