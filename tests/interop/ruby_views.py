"""What Ruby's data API shows, as frozen values: the fields are named as Sidekiq's methods are."""

from typing import Any

import msgspec


class Stats(msgspec.Struct, frozen=True):
    """`Sidekiq::Stats`; `queues` is name to size, largest first."""

    processed: int
    failed: int
    scheduled_size: int
    retry_size: int
    dead_size: int
    enqueued: int
    processes_size: int
    workers_size: int
    default_queue_latency: float
    queues: dict[str, int]


class History(msgspec.Struct, frozen=True):
    """`Sidekiq::Stats::History`: "YYYY-MM-DD" to count, newest first."""

    processed: dict[str, int]
    failed: dict[str, int]


class Queue(msgspec.Struct, frozen=True):
    """`Sidekiq::Queue`; `latency` in seconds."""

    name: str
    size: int
    latency: float


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`Sidekiq::JobRecord`; times in epoch seconds, `value` the payload's exact bytes.

    Of a payload that is not JSON, `item` is empty and `args` holds the text.
    """

    value: bytes
    item: dict[str, Any]
    queue: str | None
    jid: str | None
    klass: str | None
    args: list[Any]
    display_class: str | None
    display_args: list[Any]
    tags: list[str]
    created_at: float
    enqueued_at: float | None
    latency: float
    error_class: str | None
    error_message: str | None
    error_backtrace: list[str] | None
    retry_count: int | None


class Entry(Job, frozen=True, kw_only=True):
    """`Sidekiq::SortedEntry`: a job of a set."""

    score: float
    at: float


class Process(msgspec.Struct, frozen=True):
    """`Sidekiq::Process`; times in epoch seconds, `rss` in KB, `rtt_us` in microseconds."""

    identity: str
    hostname: str
    pid: int
    tag: str
    labels: list[str]
    queues: list[str]
    concurrency: int | None
    """None for a process that does not write it where 6.4.1 looks, as Sidekiq 8.1 does not."""
    busy: int
    beat: float
    started_at: float
    rss: int
    rtt_us: int
    stopping: bool


class Work(msgspec.Struct, frozen=True):
    """One element of `Sidekiq::Workers`: a job that a thread runs; `run_at` in epoch seconds."""

    process_id: str
    thread_id: str
    queue: str
    run_at: float
    payload: dict[str, Any]


class Metrics(msgspec.Struct, frozen=True):
    """One job class in `Sidekiq::Metrics::Query`: its totals, its runs in the histogram, and all classes that ran."""

    totals: dict[str, float]
    runs: int
    top: list[str]


class WebPage(msgspec.Struct, frozen=True):
    """A page of Sidekiq's Web UI: its HTTP status, and its HTML."""

    status: int
    body: str
