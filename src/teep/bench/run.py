"""The measurements, one after the other, on a queue of their own."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Self

from teep.bench import floor, marks, stage
from teep.bench.stage import BenchFailed
from teep.client import Client
from teep.config import Config, driver_for, redis_url_for
from teep.runtime.signals import interruptible
from teep.testing.process import WorkerProcess
from teep.wire import commands

# Told the step that goes on, and which part of it is over, from 0 to 1.
OnProgress = Callable[[str, float], None]

_PINGS = 200
_SINGLES = 1000
_PICKUPS = 200
_PICKUP_PAUSE = 0.01
_MODULE = "teep.bench.jobs"


@dataclass(frozen=True)
class Figures:
    """The figures: rates in jobs a second, times in seconds. None: not asked for."""

    jobs: int
    concurrency: int
    round_trip: float
    enqueue_one: float
    enqueue_bulk: float
    pickup_p50: float
    pickup_p99: float
    floor: float
    noop_async: float
    noop: float | None


@dataclass(frozen=True)
class Speed:
    """Jobs a second: of a bare loop, and of a worker."""

    jobs: int
    floor: float
    noop: float


def run(config: Config, jobs: int, on_progress: OnProgress, *, only_async: bool = False) -> Figures:
    """Measure with this many no-op jobs, which takes about 10 s for 100,000; nothing of it stays in Redis.

    Raises:
        WorkerEnded: the worker ended.
        BenchFailed: it stood still, or a job ran twice.
        RedisError: Redis is away, or refuses something.
    """
    with interruptible(), _bench(config, jobs, on_progress) as bench:
        return Figures(
            jobs=jobs,
            concurrency=config.concurrency,
            round_trip=bench.round_trip(),
            enqueue_one=bench.enqueue_one(),
            # The bare loop takes the jobs that this pushes.
            enqueue_bulk=bench.enqueue_bulk(),
            floor=bench.floor(),
            noop=None if only_async else bench.rate("noop"),
            noop_async=bench.rate("noop_async"),
            **bench.pickup(),
        )


def speed(config: Config, jobs: int, on_progress: OnProgress) -> Speed:
    """Measure only how fast no-op jobs run, which takes about 3 s for 100,000; otherwise as `run`."""
    with _bench(config, jobs, on_progress) as bench:
        bench.enqueue_bulk()
        return Speed(jobs=jobs, floor=bench.floor(), noop=bench.rate("noop"))


@contextmanager
def _bench(config: Config, jobs: int, on_progress: OnProgress) -> Iterator["_Bench"]:
    with (
        tempfile.TemporaryDirectory(prefix="teep-bench-") as folder,
        stage.queue(driver_for(config)) as queue,
        _Bench(config, queue, jobs, Path(folder), on_progress) as bench,
    ):
        yield bench


class _Bench:
    def __init__(self, config: Config, queue: str, jobs: int, folder: Path, on_progress: OnProgress) -> None:
        self._config = config
        self._driver = driver_for(config)
        self._client = Client(config)
        self._queue = queue
        self._jobs = jobs
        self._folder = folder
        self._on_progress = on_progress
        self._marks = marks.Marks(folder / "marks", max(jobs, _PICKUPS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._marks.close()

    def round_trip(self) -> float:
        """Return the median of PINGs."""
        seconds = []
        for number in range(_PINGS):
            self._on_progress("round trips", number / _PINGS)
            started = time.perf_counter()
            self._driver.execute(commands.ping())
            seconds.append(time.perf_counter() - started)
        return median(seconds)

    def enqueue_one(self) -> float:
        """Push one by one; returns jobs a second."""
        self._on_progress("pushing one by one", 0)
        count = min(_SINGLES, self._jobs)
        with _timed(count) as pushed:
            for number in range(count):
                self._client.push(self._payload("noop", args=[number]))
        self._driver.run(floor.consume(self._queue, count, lambda _: None))
        return pushed[0]

    def enqueue_bulk(self) -> float:
        """Push all jobs, 1,000 a round trip; returns jobs a second."""
        with _timed(self._jobs) as pushed:
            self._push("noop")
        return pushed[0]

    def floor(self) -> float:
        """Return how many jobs a second the bare loop takes."""
        with _timed(self._jobs) as taken:
            consume = floor.consume(self._queue, self._jobs, lambda done: self._show("a bare loop", done))
            self._driver.run(consume)
        return taken[0]

    def rate(self, job: str) -> float:
        """Return how many no-op jobs a second a worker runs, its start and its first tenth left out."""
        label = f"{job} jobs"
        self._marks.clear()
        self._push(job)
        with self._worker() as worker:
            stage.wait(worker, lambda: self._shown(label), max(1, self._jobs // 10))
            before, started = self._marks.done(), time.perf_counter()
            stage.wait(worker, lambda: self._shown(label), self._jobs)
            seconds = time.perf_counter() - started
        if repeated := self._marks.repeated():
            raise BenchFailed(f"{repeated} of {self._jobs} jobs ran twice: was the worker taken for dead?")
        return (self._jobs - before) / seconds

    def pickup(self) -> dict[str, float]:
        """Push single jobs to an idle worker; returns the times from before the push until the job runs."""
        with self._worker() as worker:
            self._stamps(worker, 1)
            seconds = [(ran - pushed) / 1e9 for pushed, ran in self._stamps(worker, _PICKUPS)]
        percentiles = quantiles(seconds, n=100, method="inclusive")
        return {"pickup_p50": percentiles[49], "pickup_p99": percentiles[98]}

    def _stamps(self, worker: WorkerProcess, count: int) -> list[tuple[int, int]]:
        self._marks.clear()
        pushed = []
        for number in range(count):
            self._on_progress("picking up single jobs", number / count)
            pushed.append(marks.clock())
            self._client.push(self._payload("stamp", args=[number]))
            time.sleep(_PICKUP_PAUSE)
        stage.wait(worker, lambda: count - self._marks.moments(count).count(0), count)
        return list(zip(pushed, self._marks.moments(count), strict=True))

    def _push(self, job: str) -> None:
        def numbers() -> Iterator[list[int]]:
            for number in range(self._jobs):
                if number % 1000 == 0:
                    self._show("pushing in bulk", number)
                yield [number]

        self._client.push_bulk(self._payload(job, args=numbers()))

    def _payload(self, job: str, **fields: object) -> dict[str, object]:
        return {"class": f"{_MODULE}.{job}", "queue": self._queue, "retry": False, **fields}

    def _worker(self) -> AbstractContextManager[WorkerProcess]:
        return stage.worker(redis_url_for(self._config), self._queue, self._config.concurrency, self._folder)

    def _shown(self, label: str) -> int:
        done = self._marks.done()
        self._show(label, done)
        return done

    def _show(self, label: str, done: int) -> None:
        self._on_progress(label, done / self._jobs)


@contextmanager
def _timed(jobs: int) -> Iterator[list[float]]:
    """Put jobs a second into the list when the context ends."""
    rates: list[float] = []
    started = time.perf_counter()
    yield rates
    rates.append(jobs / (time.perf_counter() - started))
