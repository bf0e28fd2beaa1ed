"""A task as its job's payload has it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from teep.integrations.django.tasks.interface import DEFAULT_TASK_PRIORITY, DEFAULT_TASK_QUEUE_NAME, Task
from teep.wire import json

FIELD = "dj"
"""The payload's field: the backend's alias (`b`), and unless they are the usual ones, queue (`q`), priority (`p`)."""

_READ = ("class", "args", "kwargs", "created_at", FIELD)


class Pushed(NamedTuple):
    """A task that was pushed, with its arguments."""

    path: str
    alias: str
    queue_name: str
    priority: int
    args: list[Any]
    kwargs: dict[str, Any]
    enqueued_at: datetime | None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self | None:
        """Return the task of a payload; None if that is another job's."""
        field, args, kwargs = payload.get(FIELD), payload.get("args"), payload.get("kwargs") or {}
        if not isinstance(field, dict) or not isinstance(args, list) or not isinstance(kwargs, dict):
            return None
        alias, queue_name = field.get("b"), field.get("q", DEFAULT_TASK_QUEUE_NAME)
        priority = field.get("p", DEFAULT_TASK_PRIORITY)
        if not isinstance(alias, str) or not isinstance(queue_name, str) or not isinstance(priority, int):
            return None
        enqueued_at = _time(payload.get("created_at"))
        return cls(str(payload.get("class")), alias, queue_name, priority, args, kwargs, enqueued_at)


def field_of(task: Task) -> dict[str, Any]:
    """Return the field of a task that is pushed."""
    field: dict[str, Any] = {"b": task.backend}
    if task.queue_name != DEFAULT_TASK_QUEUE_NAME:
        field["q"] = task.queue_name
    if task.priority != DEFAULT_TASK_PRIORITY:
        field["p"] = task.priority
    return field


def written(payload: Mapping[str, Any]) -> bytes:
    """Return the fields of a payload that `Pushed.of` reads, for the time when the job is gone."""
    return json.dumps({name: payload[name] for name in _READ if name in payload})


def _time(created: Any) -> datetime | None:
    if type(created) is int:  # milliseconds
        created /= 1000
    return datetime.fromtimestamp(created, UTC) if isinstance(created, float) else None
