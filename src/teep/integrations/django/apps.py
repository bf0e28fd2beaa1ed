"""teep as a Django app."""

from django.apps import AppConfig
from django.conf import settings

from teep.config import configure
from teep.integrations.django.transactions import transactional_push


class TeepConfig(AppConfig):  # type: ignore[misc]  # to mypy Django has no types
    """Makes the process-wide configuration of the setting `TEEP`, where there is one, and pushes transactional.

    `TEEP` has the options of `teep.Config`, such as `{"redis_url": "redis://localhost:6379/0"}`.
    """

    name = "teep.integrations.django"
    label = "teep"

    def ready(self) -> None:
        options = getattr(settings, "TEEP", None)
        if options is not None:
            configure(**options)
        transactional_push()
