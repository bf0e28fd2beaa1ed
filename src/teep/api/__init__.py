"""The data API: queues, sets, processes and running work as they are in Redis right now, sync and async."""

from teep.api.base import Page
from teep.api.entries import AsyncSortedEntry, SortedEntry
from teep.api.jobsets import (
    AsyncDeadSet,
    AsyncJobSet,
    AsyncRetrySet,
    AsyncScheduledSet,
    DeadSet,
    JobSet,
    RetrySet,
    ScheduledSet,
)
from teep.api.processes import AsyncProcess, AsyncProcessSet, EmbeddedProcess, Process, ProcessSet
from teep.api.queue import AsyncQueue, Queue
from teep.api.records import AsyncJobRecord, JobRecord
from teep.api.stats import AsyncHistory, AsyncStats, History, QueueSummary, Stats
from teep.api.verbs import JobKilled
from teep.api.work import AsyncWorkSet, Work, WorkSet

Workers = WorkSet
AsyncWorkers = AsyncWorkSet

__all__ = [
    "AsyncDeadSet",
    "AsyncHistory",
    "AsyncJobRecord",
    "AsyncJobSet",
    "AsyncProcess",
    "AsyncProcessSet",
    "AsyncQueue",
    "AsyncRetrySet",
    "AsyncScheduledSet",
    "AsyncSortedEntry",
    "AsyncStats",
    "AsyncWorkSet",
    "AsyncWorkers",
    "DeadSet",
    "EmbeddedProcess",
    "History",
    "JobKilled",
    "JobRecord",
    "JobSet",
    "Page",
    "Process",
    "ProcessSet",
    "Queue",
    "QueueSummary",
    "RetrySet",
    "ScheduledSet",
    "SortedEntry",
    "Stats",
    "Work",
    "WorkSet",
    "Workers",
]
