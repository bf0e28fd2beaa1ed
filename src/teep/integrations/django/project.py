"""Sets up the Django project of `DJANGO_SETTINGS_MODULE` when this module is imported.

It is the first of a worker's modules, so that the project is set up where these are imported: in a supervisor before
it forks, or in each worker that it starts.
"""

import os

import django
from django.apps import apps

from teep.errors import ModuleImportError


def set_up() -> None:
    """Set Django up. Idempotent.

    Raises:
        ModuleImportError: the settings or an app cannot be imported.
    """
    if apps.ready:
        return
    try:
        django.setup()
    except Exception as error:
        named = os.environ.get("DJANGO_SETTINGS_MODULE")
        raise ModuleImportError(f"the Django project of DJANGO_SETTINGS_MODULE={named}", error) from error


set_up()
