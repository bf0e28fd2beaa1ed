"""An iterable job of both kinds that tests hold at an item, and that notes what happens to it."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar, Literal

import teep
from teep.worker import Worker
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

Kind = Literal["def", "async def"]


class Walk:
    """The job `IterJob`, which goes through the numbers below its first argument.

    `done` are the items that it has done, `called` its callbacks, `failing` the items at which it fails next. An item
    takes `seconds`.
    """

    def __init__(self, kind: Kind = "def", **options: Any) -> None:
        self.done: list[int] = []
        self.called: list[str] = []
        self.failing: list[int] = []
        self.seconds = 0.0
        self._there: defaultdict[int, threading.Event] = defaultdict(threading.Event)
        self._held: set[int] = set()
        self._go = threading.Event()
        self.job: Any = _def_job(self, options) if kind == "def" else _async_job(self, options)

    def hold(self, number: int) -> None:
        """Have the job wait at this item until `go`."""
        self._held.add(number)

    def wait_for(self, number: int) -> None:
        """Wait until the job is at this item."""
        assert self._there[number].wait(SOON), f"item {number}; done are {self.done}"

    def go(self) -> None:
        """Let the job go on, and hold it no more."""
        self._held.clear()
        self._go.set()

    def step(self, number: int) -> None:
        """Do an item."""
        self._there[number].set()
        time.sleep(self.seconds)
        if number in self._held:
            wait_until(self._go.is_set, SOON, "the test to let go")  # short sleeps: a stop gets through
        if self.failing and self.failing[0] == number:
            self.failing.pop(0)
            raise ValueError("as intended")
        self.done.append(number)

    def interrupt(self, fleet: Fleet, number: int, stop: Callable[[Worker], object], **options: Any) -> Worker:
        """Run the job to this item, have its worker told to stop there, and let it go on then."""
        self.hold(number)
        worker = fleet.start(**options)
        self.wait_for(number)
        ending = threading.Thread(target=stop, args=(worker,))
        ending.start()
        wait_until(lambda: all(capsule.is_stopping for capsule in worker._capsules), SOON, "the stop")
        self.go()
        ending.join(SOON)
        return worker


class Noting(teep.IterableJob):
    """Notes its callbacks."""

    walk: ClassVar[Walk]

    def on_start(self) -> None:
        self.walk.called.append("start")

    def on_resume(self) -> None:
        self.walk.called.append(f"resume {self.cursor}")

    def on_stop(self) -> None:
        self.walk.called.append("stop")

    def on_cancel(self) -> None:
        self.walk.called.append("cancel")

    def on_complete(self) -> None:
        self.walk.called.append("complete")


def _def_job(walk: Walk, options: dict[str, Any]) -> type[teep.IterableJob]:
    class IterJob(Noting, name="IterJob", **options):
        def build_enumerator(self, count: int, *_: Any, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator(range(count), cursor=cursor)

        def each_iteration(self, number: int, count: int, *_: Any) -> None:
            walk.step(number)

    IterJob.walk = walk
    return IterJob


def _async_job(walk: Walk, options: dict[str, Any]) -> type[teep.IterableJob]:
    class IterJob(Noting, name="IterJob", **options):
        async def build_enumerator(self, count: int, *_: Any, cursor: int | None) -> AsyncIterator[tuple[int, int]]:
            for number in range(cursor or 0, count):
                yield number, number

        async def each_iteration(self, number: int, count: int, *_: Any) -> None:
            await asyncio.to_thread(walk.step, number)

    IterJob.walk = walk
    return IterJob
