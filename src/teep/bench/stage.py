"""The stage of a measurement: a queue of its own, and a worker process that serves only it; gone afterwards."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from teep.bench import floor, marks
from teep.drivers import Driver
from teep.errors import TeepError
from teep.store.jobs import queues
from teep.store.running import inflight, owners
from teep.testing.process import WorkerProcess

# Seconds without any progress after which something must be wrong.
PATIENCE = 60.0
_LOOK_EVERY = 0.005
# Seconds that a worker gets to end by itself; nobody needs its unfinished jobs.
_STOP = 15.0


class BenchFailed(TeepError):
    """There is no figure; the message says why."""


@contextmanager
def queue(driver: Driver) -> Iterator[str]:
    """The name of a queue that no one else uses; it is removed when the context ends, with all that was in flight."""
    name = f"teep-bench-{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        driver.run(_remove(name))


async def _remove(name: str) -> None:
    # A worker that had to be killed left jobs in flight, which another process would return to the queue.
    workers = [owner.identity for owner in await owners.registered() if name in owner.queues]
    for identity in (floor.IDENTITY, *workers):
        await inflight.requeue_all(identity, [name])
        await owners.forget(identity, [name])
    await queues.clear(name)


@contextmanager
def worker(redis_url: str, queue_name: str, concurrency: int, folder: Path) -> Iterator[WorkerProcess]:
    """A `teep worker` for one queue; it is gone when the context ends."""
    flags = (
        "-q", queue_name, "-c", str(concurrency), "--tag", "bench", "--timeout", "1", "--log-level", "WARNING",
        "--leader", "never",
    )  # fmt: skip
    environment = {marks.FILE: str(folder / "marks")}
    process = WorkerProcess("teep.bench.jobs", *flags, redis_url=redis_url, environment=environment, isolated=True)
    try:
        yield process
    finally:
        process.stop(_STOP)


def wait(process: WorkerProcess, done: Callable[[], int], wanted: int) -> None:
    """Return as soon as `done` jobs are as many as `wanted`.

    Raises:
        WorkerEnded: the worker ended by itself, with the end of its log.
        BenchFailed: it ran no job for a minute.
    """
    last, since = -1, time.monotonic()
    while (now := done()) < wanted:
        process.check()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise BenchFailed(f"no job has run for {PATIENCE:.0f} s; {wanted - now} are missing")
        time.sleep(_LOOK_EVERY)
