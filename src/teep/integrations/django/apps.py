"""teep as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings

from teep.config import configure, extend_default
from teep.integrations.django.connections import Connections
from teep.integrations.django.transactions import transactional_push


class TeepConfig(AppConfig):  # type: ignore[misc]  # to mypy Django has no types
    """Makes the process-wide configuration from the setting `TEEP`, if there is one, and makes pushes transactional.

    Database connections are treated around a job as around a request: see `Connections`.

    `TEEP` has the options of `teep.Config`, such as `{"redis_url": "redis://localhost:6379/0"}`.
    """

    name = "teep.integrations.django"
    label = "teep"
    default_auto_field: Any = "django.db.models.AutoField"

    def ready(self) -> None:
        options = getattr(settings, "TEEP", None)
        if options is not None:
            configure(**options)
        extend_default(Connections())
        transactional_push()
        if any(_is_ours(backend) for backend in getattr(settings, "TASKS", {}).values()):
            # Now, since nothing can join a configuration once a worker runs with it: a job may import the first task.
            from teep.integrations.django.tasks.backend import DEATHS  # noqa: PLC0415 - Django may have no tasks

            extend_default(DEATHS)


def _is_ours(backend: dict[str, Any]) -> bool:
    return str(backend.get("BACKEND")).startswith(f"{TeepConfig.name}.tasks.")
