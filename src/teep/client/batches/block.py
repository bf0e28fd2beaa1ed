"""`with batch.jobs():` collects what is pushed inside, and sends it with the batch in one step, or in several."""

import os
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from teep.client import blocking
from teep.client.batches.indexing import Indexing, Indices
from teep.client.delivery import blocks, kept_out, routes, test_mode
from teep.config import Config, async_driver_for, driver_for
from teep.drivers.plans import Late, run_plan, run_plan_async
from teep.errors import BatchClosed, InvalidValue, NotHere, RedisError
from teep.store.batches import Declaration, Opened, joining
from teep.store.jobs.pushes import Extra, KeptOut, Push, joined
from teep.telling import Logger

logger = Logger("teep")

MOST = 1_000
"""Jobs that are sent in one step: some milliseconds inside Redis."""
LEASE = 3_600_000
"""Milliseconds for which events wait for a block that sends nothing, and may have died."""

_ON_LOOP = ("the end of a batch's block", "async with batch.jobs()")


class Openable(Protocol):
    """A batch as its block sees it: the bid of its parent, if it has one, and what makes it, once."""

    config: Config
    bid: str
    parent_bid: str | None

    def is_opened_in(self, bid: str | None) -> None: ...
    def declare(self) -> Declaration | None: ...


class Block:
    """The inside of `batch.jobs()`, for threads and for asyncio.

    1. What is pushed inside is collected, and sent at the end with the batch itself: all of it, or nothing.
    2. If it becomes more than `most`, it is sent in several steps. Events wait until the last one.
    3. The block of a child batch inside that of its parent goes with the parent's.
    4. An error in the block drops what is collected. If some is sent already, the batch becomes invalid.
    5. Jobs that are sent in several steps have indices, so that the batch remembers no jids (`indexing`).
    6. A task that was started inside, and goes on after the end, adds each of its jobs by itself.
    7. A process that was forked inside has no part in it: it sends nothing, and breaks nothing, where it leaves it.
    """

    def __init__(self, batch: Openable, most: int) -> None:
        self.config = batch.config
        self.bid = batch.bid
        self._batch = batch
        self.most = most
        self.pid = os.getpid()
        self._indices = Indices(batch.bid)
        self._token = os.urandom(6).hex()
        self._pushes: list[Push] = []
        self._sending = threading.Lock()
        self._is_sent = False
        self._is_entered = False
        self._has_ended = False
        self._outside: blocks.Block | None = None
        self._parent: Block | None = None

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        plan = self._close(error)
        if blocking.is_on_loop():
            warns = routes.is_plain() and self.config.environment != "production"
            blocking.check(plan, warns=warns, named=_ON_LOOP)
        run_plan(plan, Late(lambda: driver_for(self.config)))

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        await run_plan_async(self._close(error), Late(lambda: async_driver_for(self.config)))

    def _enter(self) -> None:
        if self._is_entered:
            raise NotHere("a block of a batch is entered once; call jobs() again")
        self._is_entered = True
        around = blocks.current(self.config)
        self._batch.is_opened_in(None if around is None else around.bid)
        if isinstance(around, Block) and around.bid == self._batch.parent_bid:
            self._parent = around
        self._outside = blocks.enter(self)

    def _leave(self) -> None:
        self._has_ended = True
        blocks.enter(self._outside)

    async def take(self, push: Push) -> None:
        """Collect a push, and send what is collected if that becomes too much for one step."""
        is_full = self._jobs and self._jobs + push.jobs > self.most
        # While another task sends some, no second one does: it might come before the one that makes the batch.
        if is_full and not self._has_ended and self._sending.acquire(blocking=False):
            try:
                await self.flush()
            finally:
                self._sending.release()
        self._pushes.append(push)
        if self._has_ended:
            await self._send(await self._collected(closes=True))
        elif (redirect := test_mode.current()) is not None and redirect.runs_at_once:
            await self.flush()

    async def flush(self) -> None:
        """Send what is collected, and hold the events back until more comes."""
        if self._parent is not None:
            await self._parent.flush()
        push = await self._collected(closes=False)
        before, self._is_sent = self._is_sent, True  # it may be, whatever an error says
        try:
            await self._send(push)
        except BatchClosed:
            self._is_sent = before
            raise

    @property
    def _jobs(self) -> int:
        return sum(push.jobs for push in self._pushes)

    async def _close(self, error: BaseException | None) -> None:
        """Send what is collected, or drop it after an error of the block; if not all can be sent, none is to run."""
        if self.pid != os.getpid():
            return
        if error is not None:
            await self._broken()
            return
        try:
            await self._end()
        except (BatchClosed, GeneratorExit):
            raise
        except BaseException:  # a cancelled task, too: else the batch would end an hour later without the rest
            if test_mode.current() is None:
                await self._broken()
            raise

    async def _end(self) -> None:
        push = await self._collected(closes=True)
        if not (push.jobs or self._is_sent or push.batches[0].declaration or push.batches[1:]):
            return  # nothing was added to a batch that is there already
        if self._parent is not None and not self._is_sent:
            await self._parent.take(push)
        else:
            await self._send(push)

    async def _broken(self) -> None:
        """Drop what is collected, and have jobs that are sent already skipped. The error of the block goes on."""
        self._pushes.clear()
        if not self._is_sent:
            return
        try:
            await self._send(await self._collected(closes=True, is_broken=True))
        except (RedisError, BatchClosed) as error:
            logger.warning("batch %s could not be made invalid after an error in its block: %s", self.bid, error)

    async def _collected(self, *, closes: bool, is_broken: bool = False) -> Push:
        collected, self._pushes = self._pushes, []
        several = self._is_sent or not closes
        declaration, jobs = await self._jobs_of(collected, several=several)
        opened = Opened(self.bid, declaration, self._token if several else "", LEASE, closes, is_broken)
        return Push(
            jobs.now,
            jobs.later,
            extras=jobs.extras,
            transactional=all(push.transactional for push in collected),
            batches=(opened, *(inside for push in collected for inside in push.batches)),
            rows=jobs.rows,
        )

    async def _jobs_of(self, collected: Sequence[Push], *, several: bool) -> tuple[Declaration | None, Push]:
        """Return what makes the batch, if it is new, and the jobs: with indices if they are sent in several steps.

        In a transaction none can be reserved for a batch that waits for the commit, so it knows them by their jids.
        """
        declaration = self._batch.declare()
        if several and test_mode.current() is None:
            jobs = Indexing(self.bid, collected)
            if declaration is not None:
                return declaration._replace(indices=self._indices.declare(jobs.room)), jobs.push(0)
            if (first := await self._indices.take(jobs.room)) is not None:
                return None, jobs.push(first)
        return declaration, self._by_jid(collected)

    def _by_jid(self, collected: Sequence[Push]) -> Push:
        all_of_it = joined(collected)
        alike = {
            raw: Extra(jid, joining(self.bid, jid))
            for push in collected
            for raws in push.now.values()
            for raw, jid in zip(raws, push.jids, strict=False)
        }
        return Push(all_of_it.now, all_of_it.later, extras={**all_of_it.extras, **alike})

    async def _send(self, push: Push) -> None:
        """Send jobs with their batches.

        Raises:
            BatchClosed: one of these takes no more jobs; nothing was pushed.
        """
        kept = await routes.send(self.config, push)
        closed = [each for each in kept if each.guard == "batch.open"]
        kept_out.tell([each for each in kept if each.guard != "batch.open"])
        if closed:
            raise BatchClosed(why_closed(push, closed[0]))


def why_closed(push: Push, first: KeptOut) -> str:
    """Say which batch takes no more jobs: the first thing that is refused for it is the batch, or a job of it."""
    opened = next((each for each in push.batches if each.bid == first.jid), push.batches[0])
    parent = opened.declaration and opened.declaration.parent
    which = f"{parent}, the parent of batch {opened.bid}," if parent else opened.bid
    why = "has finished" if first.word == "finished" else "is not known, or not any more"
    return f"batch {which} {why}, so it takes no more jobs; make another one"


def most_of(flush_every: int | None) -> int:
    """Return how many jobs are sent in one step."""
    if flush_every is None:
        return MOST
    if type(flush_every) is not int or not 1 <= flush_every <= MOST:
        raise InvalidValue(f"flush_every must be from 1 to {MOST} jobs, not {flush_every!r}")
    return flush_every
