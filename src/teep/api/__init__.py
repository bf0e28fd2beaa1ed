"""The data API: queues, sets, processes and running work as they are in Redis right now, sync and async."""

from teep.api.base import Page
from teep.api.deploy import AsyncDeploy, Deploy
from teep.api.fleet.processes import AsyncProcess, AsyncProcessSet, Process, ProcessSet, async_leader, leader
from teep.api.fleet.work import AsyncWorkSet, Work, WorkSet
from teep.api.jobs.entries import AsyncSortedEntry, SortedEntry
from teep.api.jobs.groups import ErrorGroup, ErrorGroups, JobGroup, JobGroups
from teep.api.jobs.iterable_state import AsyncIterableJobQuery, IterableJobQuery, IterableState
from teep.api.jobs.jobsets import (
    AsyncDeadSet,
    AsyncJobSet,
    AsyncRetrySet,
    AsyncScheduledSet,
    DeadSet,
    JobSet,
    RetrySet,
    ScheduledSet,
)
from teep.api.jobs.locate import AsyncLocated, Located, async_find_job, find_job
from teep.api.jobs.queue import AsyncQueue, Queue
from teep.api.jobs.records import AsyncJobRecord, JobRecord
from teep.api.jobs.selection.cursor import CursorPage
from teep.api.jobs.selection.filters import Conditions
from teep.api.jobs.selection.selection import AsyncQueueSelection, AsyncSetSelection, QueueSelection, SetSelection
from teep.api.metrics import AsyncMetricsQuery, DeployMark, JobResult, MetricsQuery, MetricsResult
from teep.api.profiles import AsyncProfileRecord, AsyncProfileSet, ProfileRecord, ProfileSet
from teep.api.stats import AsyncHistory, AsyncStats, History, Overdue, QueueSummary, Stats
from teep.errors import EmbeddedProcess, JobKilled, NoDeployLabel
from teep.store.jobs.locks import Lock as UniqueLock
from teep.wire.scripts import Place

Workers = WorkSet
AsyncWorkers = AsyncWorkSet

__all__ = [
    "AsyncDeadSet",
    "AsyncDeploy",
    "AsyncHistory",
    "AsyncIterableJobQuery",
    "AsyncJobRecord",
    "AsyncJobSet",
    "AsyncLocated",
    "AsyncMetricsQuery",
    "AsyncProcess",
    "AsyncProcessSet",
    "AsyncProfileRecord",
    "AsyncProfileSet",
    "AsyncQueue",
    "AsyncQueueSelection",
    "AsyncRetrySet",
    "AsyncScheduledSet",
    "AsyncSetSelection",
    "AsyncSortedEntry",
    "AsyncStats",
    "AsyncWorkSet",
    "AsyncWorkers",
    "Conditions",
    "CursorPage",
    "DeadSet",
    "Deploy",
    "DeployMark",
    "EmbeddedProcess",
    "ErrorGroup",
    "ErrorGroups",
    "History",
    "IterableJobQuery",
    "IterableState",
    "JobGroup",
    "JobGroups",
    "JobKilled",
    "JobRecord",
    "JobResult",
    "JobSet",
    "Located",
    "MetricsQuery",
    "MetricsResult",
    "NoDeployLabel",
    "Overdue",
    "Page",
    "Place",
    "Process",
    "ProcessSet",
    "ProfileRecord",
    "ProfileSet",
    "Queue",
    "QueueSelection",
    "QueueSummary",
    "RetrySet",
    "ScheduledSet",
    "SetSelection",
    "SortedEntry",
    "Stats",
    "UniqueLock",
    "Work",
    "WorkSet",
    "Workers",
    "async_find_job",
    "async_leader",
    "find_job",
    "leader",
]
