"""Fixtures of the integrations' tests, and runs of jobs that end in every way."""

import asyncio
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from tests.support.servers import Server
from tests.worker.fleet import SOON, Fleet, process_wide
from tests.worker.walking import Kind, Walk


@pytest.fixture(autouse=True)
def _own_jobs(own_registry: None) -> None:
    """Each test defines its jobs anew."""


@pytest.fixture
def fleet(valkey: Server) -> Iterator[Fleet]:
    """See `process_wide`."""
    with process_wide(valkey) as fleet:
        yield fleet


class Jobs:
    """Jobs of one kind, `def` or `async def`. `begun` tells of each that waits for its end."""

    def __init__(self, fleet: Fleet, is_async: bool) -> None:
        self._fleet = fleet
        self.begun: SimpleQueue[str] = SimpleQueue()
        self._work = teep.job(name="app.work")(self._coroutine if is_async else self._plain)

    def run_in_every_way(self) -> None:
        """Let a worker run a job that succeeds, one that fails, one whose time is up, one cancelled, one stopped."""
        worker = self._fleet.start(self._fleet.config.copy(concurrency=1))
        for how, fields in (("succeed", {}), ("fail", {}), ("wait", {"timeout": 0.05})):
            self.push(how, **fields)
        self._fleet.wait_until_processed(3)
        self.begun.get(timeout=SOON)
        jid = self.push("wait")
        self.begun.get(timeout=SOON)
        assert teep.Client(self._fleet.config).cancel(jid) == "working"
        self._fleet.wait_until_processed(4)
        self.push("wait")
        self.begun.get(timeout=SOON)
        worker.stop(0.0)

    def push(self, how: str, **fields: Any) -> str:
        return self._fleet.push(self._work, how, retry=0, queue="default", **fields)

    def _plain(self, how: str) -> None:
        if self._is_over(how):
            return
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            threading.Event().wait(0.005)

    async def _coroutine(self, how: str) -> None:
        if not self._is_over(how):
            await asyncio.sleep(SOON)

    def _is_over(self, how: str) -> bool:
        if how == "fail":
            raise ValueError("no luck")
        if how == "wait":
            self.begun.put(how)
        return how == "succeed"


def run_in_three_parts(fleet: Fleet, kind: Kind) -> None:
    """Let a worker run an iterable job of three items, which makes way after each."""
    walk = Walk(kind, max_iteration_runtime=0.01)
    walk.seconds = 0.02
    walk.job.perform_async(3)
    fleet.start(fleet.config.copy(concurrency=1))
    fleet.wait_until_processed(3)


@pytest.fixture(params=[False, True], ids=["def", "async def"])
def jobs(request: pytest.FixtureRequest, fleet: Fleet) -> Jobs:
    return Jobs(fleet, request.param)


SAMPLE: dict[str, Any] = {
    "at": 1e9, "processed": 100, "failed": 3, "enqueued": 5, "scheduled": 1, "retries": 2, "dead": 4, "busy": 6,
    "queues": {"low": {"size": 5, "latency": 1.25}}, "gauges": {"carts.open": 17},
}  # fmt: skip
"""What listeners of "sample" get."""
