"""What permissions need in Django: a model, here without a table. They are `teep.retry_jobs` and so on."""

from typing import Any

from django.db import models

from teep.web import VERBS


class _NoRows(models.Manager):  # type: ignore[misc]  # to mypy Django has no types
    """Finds nothing, and asks no table: `dumpdata` and others go through all models."""

    def get_queryset(self) -> Any:
        return super().get_queryset().none()


class Jobs(models.Model):  # type: ignore[misc]
    """The jobs of the web page."""

    objects = _NoRows()

    class Meta:
        app_label = "teep"
        managed = False
        default_permissions = ()
        permissions = tuple((f"{verb}_jobs", f"Can {verb} on the page of background jobs") for verb in sorted(VERBS))
        verbose_name = verbose_name_plural = "background jobs"

    def __str__(self) -> str:
        return "background jobs"
