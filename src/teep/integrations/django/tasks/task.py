"""A Django task that takes the options of a job."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Literal, Self, Unpack

from teep.config.job_options import fields_of
from teep.errors import InvalidArguments, InvalidJob
from teep.integrations.django.tasks.interface import InvalidTask, Task
from teep.job.options import PushOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class TeepTask(Task):  # type: ignore[misc]  # to mypy Django has no types
    """What `@task` makes on this backend. It takes the options of `teep.job` that travel; None: not set.

    A task's queue is its `queue_name`; how long its result is kept is the backend's option `result_ttl`.
    """

    retry: bool | int | None = None
    retry_for: float | timedelta | None = None
    retry_queue: str | None = None
    dead: bool | None = None
    backtrace: bool | int | None = None
    tags: list[str] | None = None
    expires_in: float | timedelta | None = None
    unique_for: float | timedelta | Literal[False] | None = None
    unique_until: str | None = None
    timeout: float | timedelta | None = None
    transactional: bool | None = None
    encrypt: bool | None = None
    log_level: str | None = None
    extra: Mapping[str, Any] | None = None

    def using(self, *, priority: int | None = None, **changes: Unpack[PushOptions]) -> Self:
        """Return the task with other options; besides Django's it takes those of a job."""
        given: dict[str, Any] = {"priority": priority, **changes}
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    @property
    def job_options(self) -> dict[str, Any]:
        """Its options as they go into the payload.

        Raises:
            InvalidTask: one does not fit.
        """
        given = {name: value for name in _OWN if (value := getattr(self, name)) is not None}
        try:
            return fields_of(self.module_path, given)
        except (InvalidJob, InvalidArguments) as error:
            raise InvalidTask(str(error)) from error


_OWN = tuple(field.name for field in fields(TeepTask) if field.name not in Task.__dataclass_fields__)
