"""Jobs that keep an account of themselves, for tests in which Redis fails: each must run once and count once."""

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import pytest

import teep
from teep.client.client import Enqueueable
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class Tally:
    """Jobs of both kinds, and how often each number ran."""

    def __init__(self) -> None:
        self.runs: Counter[int] = Counter()
        self.begun = 0
        self._lock = threading.Lock()

        @teep.job(name="tally")
        def plain(number: int, seconds: float) -> None:
            self._begin()
            time.sleep(seconds)
            self._note(number)

        @teep.job(name="tally_async")
        async def coroutine(number: int, seconds: float) -> None:
            self._begin()
            await asyncio.sleep(seconds)
            self._note(number)

        @teep.job(name="tally_fail", retry=0)
        def failing(number: int, seconds: float) -> None:
            self._begin()
            time.sleep(seconds)
            self._note(number)
            raise ValueError("as intended")

        self.jobs: tuple[Enqueueable, ...] = (plain, coroutine, failing)

    def push(self, fleet: Fleet, count: int, seconds: float) -> None:
        for part, job in enumerate(self.jobs):
            args = [[number, seconds] for number in range(part, count, len(self.jobs))]
            fleet.client.push_bulk({**job.to_payload((0, 0.0), {}), "args": args})

    def check(self, fleet: Fleet, count: int, seconds: float = 30.0) -> None:
        """Wait until all is done, and compare every trace it left."""
        fleet.wait_until_processed(count, seconds)
        assert self.runs == Counter(range(count))
        assert fleet.counters() == (count, count // 3)
        assert len(fleet.members("dead")) == count // 3
        assert fleet.queue() == fleet.in_flight() == fleet.members("retry") == []

    def wait_for_runs(self, count: int) -> None:
        wait_until(lambda: self.runs.total() >= count, SOON, lambda: f"{count} runs, not {self.runs.total()}")

    @property
    def running(self) -> int:
        with self._lock:
            return self.begun - self.runs.total()

    def _begin(self) -> None:
        with self._lock:
            self.begun += 1

    def _note(self, number: int) -> None:
        with self._lock:
            self.runs[number] += 1


def silent(fleet: Fleet, **options: Any) -> teep.Config:
    """Return a configuration in which the intended failures are not logged."""
    config = fleet.configure(**options)
    config.error_handlers[:] = [lambda _error, _context: None]
    return config


def outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "nothing is fetched until it is back" in message]


def recoveries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "online again" in message]
