"""Counts and times of jobs for Prometheus; needs the extra `teep[prometheus]`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from teep.config import Config
from teep.integrations.ending import ending_of
from teep.middleware import around
from teep.telling import quiet
from teep.wire import payload

# From the 5 ms that a quick job may take to the hour of an import; in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class Prometheus:
    """Measures each run of a job.

    - `teep_jobs_total`, by `class`, `queue` and `ending`: "success", "failure", or "interrupted" (by a stop of its
      process, a cancellation, or since an iterable job has made way).
    - `teep_job_seconds`, a histogram by `class` and `queue` of how long runs take, however they end.
    - `teep_job_wait_seconds`, a histogram by `queue` of how long jobs waited there, since they were last enqueued.

    Counters and histograms add up over processes, as prometheus-client's multiprocess mode does.

    Args:
        registry: the one in which the metrics are registered; only once in each.
        buckets: upper bounds of both histograms (seconds).

    Raises:
        ValueError: the registry has metrics of these names already.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, buckets: Sequence[float] = BUCKETS) -> None:
        self._jobs = Counter("teep_jobs", "Runs of jobs.", ["class", "queue", "ending"], registry=registry)
        self._seconds = Histogram(
            "teep_job_seconds", "How long runs of jobs took.", ["class", "queue"], registry=registry, buckets=buckets
        )
        self._wait = Histogram(
            "teep_job_wait_seconds",
            "How long jobs waited in their queue.",
            ["queue"],
            registry=registry,
            buckets=buckets,
        )

    def join(self, config: Config) -> None:
        """Add it around jobs."""
        config.server_middleware.add(around(quiet(self._measured)))

    @contextmanager
    def _measured(self, job: dict[str, Any]) -> Iterator[None]:
        klass, queue = payload.executed_class(job), str(job.get("queue", "default"))
        self._wait.labels(queue).observe(payload.latency(job, time.time()))
        started = time.perf_counter()
        raised: BaseException | None = None
        try:
            yield
        except BaseException as error:
            raised = error
            raise
        finally:
            self._seconds.labels(klass, queue).observe(time.perf_counter() - started)
            self._jobs.labels(klass, queue, ending_of(raised)).inc()
