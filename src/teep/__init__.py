"""teep: background jobs on Redis or Valkey, in Sidekiq's own wire format.

Write a job with `@teep.job`, push it with `perform_async`, run `teep worker`, and look at everything with the data
API: `Stats`, `Queue`, `ScheduledSet`, `RetrySet`, `DeadSet`, `ProcessSet`, `WorkSet`, each with an asyncio twin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from teep import encryption, errors
from teep.client import AsyncClient, Client
from teep.config import CapsuleConfig, Config, configure, default_config
from teep.config.hooks import add_unasked as _add_unasked
from teep.errors import BatchClosed, JobCancelled, JobFailed, JobTimeout, ResultNotKept, ResultTimeout, TeepError
from teep.features.batch import Batches as _Batches
from teep.features.batch import watch_task as _watch_task
from teep.features.expiry import Expiry as _Expiry
from teep.features.history import recorder_task as _recorder_task
from teep.features.periodic import Periodic as _Periodic
from teep.features.periodic import clock_task as _clock_task
from teep.features.results import Results as _Results
from teep.features.unique import Unique as _Unique
from teep.job import IterableJob, Job, JobContext, JobFunction, current_job, current_worker, job
from teep.store import features as _features
from teep.version import __version__

if TYPE_CHECKING:
    from teep import limits, testing, web
    from teep.api import (
        AsyncDeadSet,
        AsyncDeploy,
        AsyncHistory,
        AsyncIterableJobQuery,
        AsyncJobRecord,
        AsyncJobSet,
        AsyncLocated,
        AsyncMetricsQuery,
        AsyncProcess,
        AsyncProcessSet,
        AsyncProfileRecord,
        AsyncProfileSet,
        AsyncQueue,
        AsyncQueueSelection,
        AsyncRetrySet,
        AsyncScheduledSet,
        AsyncSetSelection,
        AsyncSortedEntry,
        AsyncStats,
        AsyncWorkers,
        AsyncWorkSet,
        Conditions,
        CursorPage,
        DeadSet,
        Deploy,
        DeployMark,
        ErrorGroup,
        ErrorGroups,
        History,
        IterableJobQuery,
        IterableState,
        JobGroup,
        JobGroups,
        JobRecord,
        JobResult,
        JobSet,
        Located,
        MetricsQuery,
        MetricsResult,
        Page,
        Place,
        Process,
        ProcessSet,
        ProfileRecord,
        ProfileSet,
        Queue,
        QueueSelection,
        QueueSummary,
        RetrySet,
        ScheduledSet,
        SetSelection,
        SortedEntry,
        Stats,
        UniqueLock,
        Work,
        Workers,
        WorkSet,
        async_find_job,
        async_leader,
        find_job,
        leader,
    )
    from teep.api.batches import AsyncBatchSet, AsyncBatchStatus, BatchCallback, BatchSet, BatchStatus
    from teep.api.fleet.work import Progress
    from teep.api.limits import AsyncLimiter, AsyncLimiterSet, Limiter, LimiterSet
    from teep.api.periodic import (
        AsyncLoopSet,
        AsyncPeriodicEntry,
        AsyncPeriodicSet,
        LoopSet,
        PeriodicEntry,
        PeriodicRun,
        PeriodicSet,
    )
    from teep.api.results import AsyncResult, Result, aresult, result
    from teep.api.timeline import AsyncTimeline, QueueTimeline, Timeline, TimelinePoint
    from teep.api.workflows import AsyncWorkflowSet, AsyncWorkflowStatus, NodeStatus, WorkflowSet, WorkflowStatus
    from teep.client.batches import Batch
    from teep.client.workflows import Workflow, chain, group
    from teep.errors import Retry, Snooze
    from teep.features.limits import OverLimit
    from teep.features.periodic.decorator import periodic
    from teep.job.injection import Depends, injected
    from teep.job.pushing.push_signature import apush, push
    from teep.job.pushing.signature import Signature

__all__ = [
    "AsyncBatchSet",
    "AsyncBatchStatus",
    "AsyncClient",
    "AsyncDeadSet",
    "AsyncDeploy",
    "AsyncHistory",
    "AsyncIterableJobQuery",
    "AsyncJobRecord",
    "AsyncJobSet",
    "AsyncLimiter",
    "AsyncLimiterSet",
    "AsyncLocated",
    "AsyncLoopSet",
    "AsyncMetricsQuery",
    "AsyncPeriodicEntry",
    "AsyncPeriodicSet",
    "AsyncProcess",
    "AsyncProcessSet",
    "AsyncProfileRecord",
    "AsyncProfileSet",
    "AsyncQueue",
    "AsyncQueueSelection",
    "AsyncResult",
    "AsyncRetrySet",
    "AsyncScheduledSet",
    "AsyncSetSelection",
    "AsyncSortedEntry",
    "AsyncStats",
    "AsyncTimeline",
    "AsyncWorkSet",
    "AsyncWorkers",
    "AsyncWorkflowSet",
    "AsyncWorkflowStatus",
    "Batch",
    "BatchCallback",
    "BatchClosed",
    "BatchSet",
    "BatchStatus",
    "CapsuleConfig",
    "Client",
    "Conditions",
    "Config",
    "CursorPage",
    "DeadSet",
    "Depends",
    "Deploy",
    "DeployMark",
    "ErrorGroup",
    "ErrorGroups",
    "History",
    "IterableJob",
    "IterableJobQuery",
    "IterableState",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobFunction",
    "JobGroup",
    "JobGroups",
    "JobRecord",
    "JobResult",
    "JobSet",
    "JobTimeout",
    "Limiter",
    "LimiterSet",
    "Located",
    "LoopSet",
    "MetricsQuery",
    "MetricsResult",
    "NodeStatus",
    "OverLimit",
    "Page",
    "PeriodicEntry",
    "PeriodicRun",
    "PeriodicSet",
    "Place",
    "Process",
    "ProcessSet",
    "ProfileRecord",
    "ProfileSet",
    "Progress",
    "Queue",
    "QueueSelection",
    "QueueSummary",
    "QueueTimeline",
    "Result",
    "ResultNotKept",
    "ResultTimeout",
    "Retry",
    "RetrySet",
    "ScheduledSet",
    "SetSelection",
    "Signature",
    "Snooze",
    "SortedEntry",
    "Stats",
    "TeepError",
    "Timeline",
    "TimelinePoint",
    "UniqueLock",
    "Work",
    "WorkSet",
    "Workers",
    "Workflow",
    "WorkflowSet",
    "WorkflowStatus",
    "__version__",
    "apush",
    "aresult",
    "async_find_job",
    "async_leader",
    "chain",
    "configure",
    "current_job",
    "current_worker",
    "default_config",
    "encryption",
    "errors",
    "find_job",
    "group",
    "injected",
    "job",
    "leader",
    "limits",
    "periodic",
    "push",
    "result",
    "testing",
    "web",
]

# What a program that defines and pushes jobs does not need, each with the module that has it, or is it.
_LATE = {
    **dict.fromkeys(
        (
            "AsyncDeadSet", "AsyncDeploy", "AsyncHistory", "AsyncIterableJobQuery", "AsyncJobRecord",
            "AsyncJobSet", "AsyncLocated", "AsyncMetricsQuery", "AsyncProcess", "AsyncProcessSet",
            "AsyncProfileRecord", "AsyncProfileSet", "AsyncQueue", "AsyncQueueSelection", "AsyncRetrySet",
            "AsyncScheduledSet", "AsyncSetSelection", "AsyncSortedEntry", "AsyncStats", "AsyncWorkers",
            "AsyncWorkSet", "Conditions", "CursorPage", "DeadSet", "Deploy", "DeployMark", "ErrorGroup",
            "ErrorGroups", "History", "IterableJobQuery", "IterableState", "JobGroup", "JobGroups", "JobRecord",
            "JobResult", "JobSet", "Located", "MetricsQuery", "MetricsResult", "Page", "Place", "Process",
            "ProcessSet", "ProfileRecord", "ProfileSet", "Queue", "QueueSelection", "QueueSummary", "RetrySet",
            "ScheduledSet", "SetSelection", "SortedEntry", "Stats", "UniqueLock", "Work", "Workers", "WorkSet",
            "async_find_job", "async_leader", "find_job", "leader",
        ),
        "teep.api",
    ),
    "Depends": "teep.job.injection",
    "injected": "teep.job.injection",
    "AsyncLimiter": "teep.api.limits",
    "AsyncLimiterSet": "teep.api.limits",
    **dict.fromkeys(
        (
            "AsyncLoopSet", "AsyncPeriodicEntry", "AsyncPeriodicSet", "LoopSet", "PeriodicEntry", "PeriodicRun",
            "PeriodicSet",
        ),
        "teep.api.periodic",
    ),
    **dict.fromkeys(("AsyncResult", "Result", "aresult", "result"), "teep.api.results"),
    "AsyncTimeline": "teep.api.timeline",
    **dict.fromkeys(
        ("AsyncBatchSet", "AsyncBatchStatus", "BatchCallback", "BatchSet", "BatchStatus"), "teep.api.batches"
    ),
    "Batch": "teep.client.batches",
    **dict.fromkeys(("Workflow", "chain", "group"), "teep.client.workflows"),
    **dict.fromkeys(
        ("AsyncWorkflowSet", "AsyncWorkflowStatus", "NodeStatus", "WorkflowSet", "WorkflowStatus"),
        "teep.api.workflows",
    ),
    "Limiter": "teep.api.limits",
    "Progress": "teep.api.fleet.work",
    "LimiterSet": "teep.api.limits",
    "QueueTimeline": "teep.api.timeline",
    "Timeline": "teep.api.timeline",
    "TimelinePoint": "teep.api.timeline",
    "OverLimit": "teep.features.limits",
    "Retry": "teep.errors",
    "Snooze": "teep.errors",
    "Signature": "teep.job.pushing.signature",
    "apush": "teep.job.pushing.push_signature",
    "limits": "teep.limits",
    "periodic": "teep.features.periodic.decorator",
    "push": "teep.job.pushing.push_signature",
    "testing": "teep.testing",
    "web": "teep.web",
}  # fmt: skip

# What works without being asked for, or by an option of `Config`.
# The lock of a unique job is the last thing that its push takes.
_features.register(_Batches(), _Unique(), _Expiry(), _Periodic(), _Results())
_add_unasked(_clock_task, _recorder_task, _watch_task)

if not TYPE_CHECKING:  # which would take any other name for one of teep's

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(_LATE[name])
        return module if module.__name__.endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
