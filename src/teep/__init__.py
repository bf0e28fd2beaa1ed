"""teep: background jobs on Redis or Valkey, in Sidekiq's own wire format.

Write a job with `@teep.job`, push it with `perform_async`, run `teep worker`, and look at everything with the data
API: `Stats`, `Queue`, `ScheduledSet`, `RetrySet`, `DeadSet`, `ProcessSet`, `WorkSet`, each with an asyncio twin.
"""

from teep import errors
from teep.api import (
    AsyncDeadSet,
    AsyncHistory,
    AsyncJobRecord,
    AsyncJobSet,
    AsyncProcess,
    AsyncProcessSet,
    AsyncQueue,
    AsyncRetrySet,
    AsyncScheduledSet,
    AsyncSortedEntry,
    AsyncStats,
    AsyncWorkers,
    AsyncWorkSet,
    DeadSet,
    History,
    JobRecord,
    JobSet,
    Page,
    Process,
    ProcessSet,
    Queue,
    QueueSummary,
    RetrySet,
    ScheduledSet,
    SortedEntry,
    Stats,
    Work,
    Workers,
    WorkSet,
)
from teep.client import AsyncClient, Client
from teep.config import Config, configure, default_config
from teep.errors import TeepError
from teep.job import Job, JobContext, JobFunction, current_job, job
from teep.version import __version__

__all__ = [
    "AsyncClient",
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
    "Client",
    "Config",
    "DeadSet",
    "History",
    "Job",
    "JobContext",
    "JobFunction",
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
    "TeepError",
    "Work",
    "WorkSet",
    "Workers",
    "__version__",
    "configure",
    "current_job",
    "default_config",
    "errors",
    "job",
]
