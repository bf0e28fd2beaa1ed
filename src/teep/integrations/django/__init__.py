"""Django: pushes that wait for the commit, connections around jobs, `manage.py teep`; see docs/django.md.

`"teep.integrations.django"` in `INSTALLED_APPS` does all of it, with the options in the setting `TEEP`.
"""

from teep.integrations.django.connections import Connections
from teep.integrations.django.transactions import transactional_push

__all__ = ["Connections", "transactional_push"]
