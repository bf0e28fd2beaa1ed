"""Django: pushes that wait for the commit, and configuration by Django's settings; see docs/transactions.md.

`"teep.integrations.django"` in `INSTALLED_APPS` does both.
"""

from teep.integrations.django.transactions import transactional_push

__all__ = ["transactional_push"]
