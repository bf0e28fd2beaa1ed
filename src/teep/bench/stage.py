"""What is measured on: a queue of its own, and a worker process that serves it alone; both are gone afterwards."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from teep.bench import floor, marks
from teep.child import WorkerProcess
from teep.drivers import Driver
from teep.errors import TeepError
from teep.store.jobs import queues
from teep.store.running import inflight

# Seconds without any progress after which something must be wrong.
PATIENCE = 60.0
_LOOK_EVERY = 0.005


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
    # A worker that had to be killed left jobs in flight, which someone would put back into the queue.
    workers = [owner.identity for owner in await inflight.owners() if name in owner.queues]
    for identity in (floor.IDENTITY, *workers):
        await inflight.requeue_all(identity, [name])
        await inflight.forget(identity, [name])
    await queues.clear(name)


@contextmanager
def worker(redis_url: str, queue_name: str, concurrency: int, folder: Path) -> Iterator[WorkerProcess]:
    """A `teep worker` for one queue; it is gone when the context ends."""
    options = ("-q", queue_name, "-c", str(concurrency), "--tag", "bench")
    environment = {"TEEP_REDIS_URL": redis_url, marks.FILE: str(folder / "marks")}
    process = WorkerProcess("teep.bench.jobs", options, folder, environment)
    try:
        yield process
    finally:
        process.stop()


def wait(process: WorkerProcess, done: Callable[[], int], wanted: int) -> None:
    """Return as soon as `done` jobs are as many as `wanted`.

    Raises:
        BenchFailed: the worker ended by itself, with the end of its log, or ran no job for a minute.
    """
    last, since = -1, time.monotonic()
    while (now := done()) < wanted:
        if process.end:
            raise BenchFailed(process.end)
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise BenchFailed(f"no job has run for {PATIENCE:.0f} s; {wanted - now} are missing")
        time.sleep(_LOOK_EVERY)
