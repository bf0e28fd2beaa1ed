"""The application that a command runs in: a Django project, if the environment names its settings."""

import os
import sys
from importlib.util import find_spec

_PROJECT = "teep.integrations.django.project"
_DISCOVERY = "teep.integrations.django.discovery"


def modules(named: list[str]) -> list[str]:
    """Return the modules to import for a worker: those that are named, else those of a Django project."""
    if not _is_django():
        return named
    return [_PROJECT, *(named or [_DISCOVERY])]


def set_up() -> None:
    """Set the Django project up, so that the options in its settings apply.

    Raises:
        ModuleImportError: the settings or an app cannot be imported.
    """
    if _is_django():
        from teep.worker.startup.modules import load

        make_importable()
        load(_PROJECT)


def make_importable() -> None:
    """Let modules of the working folder be imported, unless the folder is gone."""
    from teep.embedded.project import working_folder

    if (folder := working_folder()) is not None:
        sys.path.insert(0, str(folder))


def _is_django() -> bool:
    return bool(os.environ.get("DJANGO_SETTINGS_MODULE")) and find_spec("django") is not None
