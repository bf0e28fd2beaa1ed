"""/prometheus: what Redis tells, as Prometheus reads it. It is there with no worker running, too.

Counts and times of single runs are measured by the workers: `teep.integrations.prometheus`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from teep.errors import RedisUnavailable
from teep.web.json import gauges
from teep.web.json.gauges import Gauges
from teep.web.rendering import printable, visit_of

MOST_CLASSES = 100
_NOBODY = {"host": "", "quiet": "false"}  # so that a sum of processes is 0 where there is none, and not nothing

_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float]


class Family(NamedTuple):
    """Samples of one name."""

    name: str
    help: str
    samples: Iterable[Sample]


async def prometheus(request: Request) -> Response:
    """Answer with the gauges; `?names=sidekiq` gives them the names of sidekiq-prometheus-exporter."""
    as_sidekiq = request.query_params.get("names") == "sidekiq"
    try:
        now = await gauges.lately(visit_of(request).site)
    except RedisUnavailable:
        return _answer([Family("teep_redis_up", "Whether Redis answers.", [({}, 0)])])
    return _answer(sidekiq_families(now) if as_sidekiq else families(now))


def families(now: Gauges) -> Iterator[Family]:
    """Yield what there is, under teep's own names."""
    stats = now.stats
    yield _plain("teep_redis_up", "Whether Redis answers.", 1)
    yield _plain("teep_scrape_seconds", "How long Redis took to tell all this.", now.took)
    yield _plain("teep_processed_total", "Runs of jobs, failed ones included.", stats["processed"])
    yield _plain("teep_failed_total", "Runs that failed.", stats["failed"])
    yield _plain("teep_expired_total", "Jobs dropped since their time was over.", stats["expired"])
    yield from _queues(now)
    sizes = {name: stats[f"{name}_size"] for name in ("scheduled", "retry", "dead")}
    yield Family("teep_set_jobs", "Jobs in a set.", _by("set", sizes))
    ages = {name: due.seconds for name, due in now.overdue.items()}
    yield Family("teep_set_overdue_seconds", "How long the first job that is due has been so.", _by("set", ages))
    yield Family(
        "teep_set_overdue_jobs", "Jobs that are due.", _by("set", {n: d.jobs for n, d in now.overdue.items()})
    )
    yield Family("teep_processes", "Processes; one with no host if there is none.", _hosts(now) or [(_NOBODY, 0)])
    yield _plain("teep_threads", "Jobs that can run at a time.", now.threads)
    yield _plain("teep_busy", "Jobs that run.", len(now.running))
    yield _plain(
        "teep_utilization_ratio", "Share of the threads that are busy.", _share(len(now.running), now.threads)
    )
    yield Family("teep_process_resident_bytes", "Memory of a host's processes.", _by("host", _memory(now)))
    silence = _by("host", _silence(now))
    yield Family("teep_process_silent_seconds", "How long ago the last heartbeat of a host's process was.", silence)
    if now.leading is not None:
        yield _plain("teep_leader_seconds", "How long the process that leads has run.", now.leading)
    for metric, name, text in (
        ("p", "teep_job_runs", "Runs in the last hour."),
        ("f", "teep_job_failures", "Runs that failed in the last hour."),
        ("s", "teep_job_seconds_sum", "Seconds of the runs that succeeded in the last hour."),
    ):
        yield Family(name, text, _by("class", _classes(now, metric)))
    ran = {due.name: due.last for due in now.periodic if due.last is not None}
    yield Family("teep_periodic_last_run_timestamp_seconds", "The last tick that is over.", _by("name", ran))
    late = {due.name: due.late for due in now.periodic}
    yield Family("teep_periodic_late_seconds", "How long a tick is due that nobody has fired.", _by("name", late))
    for name, text, value in (
        ("teep_limiter_used", "How much of a limit is used.", "used"),
        ("teep_limiter_limit", "The limit that holds.", "limit"),
        ("teep_limiter_waiting", "Jobs and callers that wait for it.", "waiting"),
    ):
        yield Family(name, text, _by("name", {one.name: getattr(one.read, value) for one in now.limits}))
    if now.redis is not None:
        yield _plain("teep_redis_memory_bytes", "Memory that Redis uses.", now.redis.memory)
        yield _plain("teep_redis_memory_limit_bytes", "Memory that Redis may use; 0 is no limit.", now.redis.limit)
        yield _plain("teep_redis_connections", "Connections to Redis.", now.redis.connections)


def _queues(now: Gauges) -> Iterator[Family]:
    found = _by_queue(now)
    for name, text, column in (
        ("teep_queue_jobs", "Jobs that wait.", "jobs"),
        ("teep_queue_latency_seconds", "How long the next job has waited.", "latency"),
        ("teep_queue_paused", "Whether workers leave it alone.", "paused"),
        ("teep_queue_longest_running_seconds", "How long its longest-running job has run.", "longest"),
        ("teep_queue_threads", "Jobs of it that can run at a time.", "threads"),
        ("teep_queue_processes", "Processes that serve it.", "processes"),
        ("teep_queue_busy", "Jobs of it that run.", "busy"),
        ("teep_queue_in_flight", "Jobs of it that processes of teep have taken and not acknowledged.", "in_flight"),
    ):
        yield Family(name, text, _by("queue", found[column]))


def sidekiq_families(now: Gauges) -> Iterator[Family]:
    """Yield it under the names that dashboards for Sidekiq use."""
    stats, found = now.stats, _by_queue(now)
    yield _plain("sidekiq_processed_jobs_total", "Runs of jobs.", stats["processed"])
    yield _plain("sidekiq_failed_jobs_total", "Runs that failed.", stats["failed"])
    yield _plain("sidekiq_workers", "Jobs that can run at a time.", now.threads)
    yield _plain("sidekiq_processes", "Processes.", len(now.processes))
    yield Family("sidekiq_host_processes", "Processes of a host.", _hosts(now))
    yield Family("sidekiq_host_processes_memory_usage_bytes", "Their memory.", _by("host", _memory(now)))
    if now.leading is not None:
        yield _plain("sidekiq_leader_lifetime_seconds", "How long the process that leads has run.", now.leading)
    yield _plain("sidekiq_busy_workers", "Jobs that run.", len(now.running))
    yield _plain("sidekiq_enqueued_jobs", "Jobs that wait.", sum(queue.size for queue in now.queues))
    for name in ("scheduled", "retry", "dead"):
        yield _plain(f"sidekiq_{name}_jobs", f"Jobs in the {name} set.", stats[f"{name}_size"])
    for name, text, column in (
        ("enqueued_jobs", "Jobs that wait.", "jobs"),
        ("latency_seconds", "How long the next job has waited.", "latency"),
        ("max_processing_time_seconds", "How long its longest-running job has run.", "longest"),
        ("workers", "Jobs of it that can run at a time.", "threads"),
        ("processes", "Processes that serve it.", "processes"),
        ("busy_workers", "Jobs of it that run.", "busy"),
    ):
        yield Family(f"sidekiq_queue_{name}", text, _by("name", found[column]))
    for metric, name, text in (
        ("p", "sidekiq_job_processed", "Runs in the last hour."),
        ("f", "sidekiq_job_failed", "Runs that failed in the last hour."),
        ("s", "sidekiq_job_execution_time_seconds", "Seconds of runs in the last hour."),
    ):
        yield Family(name, text, _by("class", _classes(now, metric)))


def _by_queue(now: Gauges) -> dict[str, dict[str, float]]:
    """Return columns of numbers by queue; each has every queue that is there or is served."""
    served: dict[str, list[int]] = defaultdict(list)
    for process in now.processes:
        for queue in process.queues:
            served[queue].append(process.threads)
    names = [*(queue.name for queue in now.queues), *served, *(running.queue for running in now.running)]
    names += now.in_flight
    blank = dict.fromkeys(names, 0.0)
    busy = Counter(running.queue for running in now.running)
    longest: dict[str, float] = {}
    for running in now.running:
        longest[running.queue] = max(longest.get(running.queue, 0.0), running.seconds)
    return {
        "jobs": blank | {queue.name: queue.size for queue in now.queues},
        "latency": blank | {queue.name: queue.latency for queue in now.queues},
        "paused": blank | {queue.name: float(queue.paused) for queue in now.queues},
        "longest": blank | longest,
        "threads": blank | {queue: sum(threads) for queue, threads in served.items()},
        "processes": blank | {queue: len(threads) for queue, threads in served.items()},
        "busy": blank | dict(busy),
        "in_flight": blank | dict(now.in_flight),
    }


def _hosts(now: Gauges) -> list[Sample]:
    counts = Counter((process.host, str(process.is_quiet).lower()) for process in now.processes)
    return [({"host": host, "quiet": quiet}, count) for (host, quiet), count in counts.items()]


def _memory(now: Gauges) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in now.processes:
        found[process.host] = found.get(process.host, 0) + process.memory
    return found


def _silence(now: Gauges) -> dict[str, float]:
    """Return the longest silence of a process by host."""
    found: dict[str, float] = {}
    for process in now.processes:
        found[process.host] = max(found.get(process.host, 0.0), process.silent)
    return found


def _classes(now: Gauges, metric: str) -> dict[str, float]:
    return {name: now.jobs[name].totals[metric] for name in list(now.jobs)[:MOST_CLASSES]}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _by(label: str, values: Mapping[str, float]) -> list[Sample]:
    return [({label: name}, value) for name, value in values.items()]


def _plain(name: str, text: str, value: float) -> Family:
    return Family(name, text, [({}, value)])


def _answer(found: Iterable[Family]) -> Response:
    lines = []
    for family in found:
        kind = "counter" if family.name.endswith("_total") else "gauge"
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {kind}"]
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return Response("\n".join([*lines, ""]), headers={"Content-Type": _TYPE})


def _labels(labels: Mapping[str, Any]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
