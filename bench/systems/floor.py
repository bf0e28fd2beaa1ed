"""The least that a worker in Python can do: raw sockets, hiredis, msgspec, the call of the job.

`batch N`, in N threads: the thread that finds no job at hand does the round trip for all. One script acknowledges
the jobs that are done (an LREM a job, in order), adds them to two counters, and reserves the next 1,000. A crash
loses none, so a reliable worker could be as fast. `brpop` takes jobs one by one in one thread, as a plain worker
does, and a crash loses the one at hand.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench.systems.wire import Wire
from bench.systems.work import JOBS

_QUEUE = b"queue:default"
_IN_FLIGHT = b"bench:inflight"
_COUNTERS = (b"bench:processed", b"bench:processed:today")
_BATCH = 1000
_IDLE_SECONDS = 0.1
"""How long an idle thread blocks at the queue until it acknowledges the jobs that other threads have done."""

_decode: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder().decode
_jobs: dict[str, Callable[..., None]] = {job.__name__.capitalize(): job for job in JOBS}


def run(raw: bytes) -> None:
    job = _decode(raw)
    _jobs[job["class"]](*job["args"])


class Stock:
    """The jobs reserved and the jobs done, shared by threads over one connection."""

    def __init__(self) -> None:
        self._wire = Wire()
        source = Path(__file__).with_name("floor_exchange.lua").read_bytes()
        self._script = self._wire.call(b"SCRIPT", b"LOAD", source)
        self._exchanging = threading.Lock()
        self._reserved: deque[bytes] = deque()
        self._done: deque[bytes] = deque()

    def work(self) -> None:
        """Run jobs for ever."""
        while True:
            try:
                raw = self._reserved.popleft()
            except IndexError:
                self._refill()
            else:
                run(raw)
                self._done.append(raw)

    def _refill(self) -> None:
        with self._exchanging:
            if self._reserved:
                return
            done = [self._done.popleft() for _ in range(len(self._done))]
            jobs = (
                self._wire.call(b"EVALSHA", self._script, 4, _QUEUE, _IN_FLIGHT, *_COUNTERS, _BATCH, *done)
                or self._wait()
            )
            self._reserved.extend(jobs)

    def _wait(self) -> list[bytes]:
        job = self._wire.call(b"BLMOVE", _QUEUE, _IN_FLIGHT, b"RIGHT", b"LEFT", _IDLE_SECONDS)
        return [] if job is None else [job]


def batch(threads: int) -> None:
    stock = Stock()
    for _ in range(threads - 1):
        threading.Thread(target=stock.work, daemon=True).start()
    stock.work()


def brpop() -> None:
    wire = Wire()
    while True:
        run(wire.call(b"BRPOP", _QUEUE, 0)[1])


if __name__ == "__main__":
    if sys.argv[1] == "batch":
        batch(int(sys.argv[2]))
    else:
        brpop()
