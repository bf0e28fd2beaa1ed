"""Finds the jobs of a Django project: importing this module imports the modules `jobs` and `tasks` of its apps."""

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from teep.integrations.django import project
from teep.worker.startup.modules import load

_MODULES = ("jobs", "tasks")


def discover() -> list[str]:
    """Import the modules of each app that define jobs, and return their names.

    Raises:
        ModuleImportError: one of them cannot be imported.
    """
    project.set_up()
    names = [
        f"{app.name}.{module}"
        for app in apps.get_app_configs()
        for module in _MODULES
        if module_has_submodule(app.module, module)
    ]
    for name in names:
        load(name)
    return names


discover()
