"""The tabs, from left to right."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from teep.config import Config
from teep.top.lists.views import Tab

KINDS = {
    "dashboard": "dashboard.Dashboard", "busy": "busy.Busy", "queues": "queues.Queues",
    "scheduled": "jobs.jobsets.Scheduled", "retries": "jobs.jobsets.Retries", "dead": "jobs.jobsets.Dead",
    "errors": "jobs.errors.Errors", "metrics": "metrics.Metrics", "periodic": "periodic.Periodic",
    "batches": "batches.Batches", "workflows": "workflows.Workflows", "limits": "limits.Limits",
}  # fmt: skip
"""The tabs' names, and where their classes are."""

OPTIONAL = ("periodic", "batches", "workflows", "limits")
"""The tabs of features that a fleet may not use."""


class Tabs(Mapping[str, Tab]):
    """All tabs by their names. A tab is imported when it is first asked for: optional ones are not, at the start."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: dict[str, Tab] = {}

    def __getitem__(self, name: str) -> Tab:
        if name not in self._made:
            module, _, kind = KINDS[name].rpartition(".")
            self._made[name] = getattr(import_module(f"{__name__}.{module}"), kind)(self._config)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)
