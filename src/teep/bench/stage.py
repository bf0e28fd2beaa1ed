"""What is measured on: a queue of its own, and a worker process that serves it alone; both are gone afterwards."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Self

from teep.bench import floor, marks
from teep.drivers import Driver
from teep.errors import TeepError
from teep.store import inflight, queues

# Seconds without any progress after which something must be wrong.
PATIENCE = 60.0
_LOOK_EVERY = 0.005
_WORKER_STOP = 15.0


class BenchFailed(TeepError):
    """There is no figure; the message says why."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let TERM and HUP (a terminal that closes) end it as Ctrl-C does: with everything cleaned up."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


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


class Worker:
    """A `teep worker` for one queue, until its context ends.

    Raises:
        BenchFailed: it ended by itself, with the end of its log.
    """

    def __init__(self, redis_url: str, queue_name: str, concurrency: int, folder: Path) -> None:
        self._log = folder / "worker.log"
        options = ("-q", queue_name, "-c", str(concurrency), "--timeout", "1", "--tag", "bench")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "teep", "worker", "teep.bench.jobs", *options, "--log-level", "WARNING"],
                # Not on the command line, where everyone could read its password.
                env={**os.environ, "TEEP_REDIS_URL": redis_url, marks.FILE: str(folder / "marks")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the command, which then stops the worker
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_WORKER_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self, done: Callable[[], int], wanted: int) -> None:
        """Return as soon as `done` jobs are as many as `wanted`."""
        last, since = -1, time.monotonic()
        while (now := done()) < wanted:
            if self._process.poll() is not None:
                end = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
                raise BenchFailed(f"the worker ended with status {self._process.returncode}; its last lines:\n{end}")
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise BenchFailed(f"no job has run for {PATIENCE:.0f} s; {wanted - now} are missing")
            time.sleep(_LOOK_EVERY)
