"""The tabs, from left to right."""

from teep.config import Config
from teep.top.lists.views import Tab
from teep.top.tabs.batches import Batches
from teep.top.tabs.busy import Busy
from teep.top.tabs.dashboard import Dashboard
from teep.top.tabs.errors import Errors
from teep.top.tabs.jobsets import Dead, Retries, Scheduled
from teep.top.tabs.limits import Limits
from teep.top.tabs.metrics import Metrics
from teep.top.tabs.periodic import Periodic
from teep.top.tabs.queues import Queues
from teep.top.tabs.workflows import Workflows

KINDS = (
    Dashboard, Busy, Queues, Scheduled, Retries, Dead, Errors, Metrics, Periodic, Batches, Workflows, Limits,
)  # fmt: skip


def made(config: Config) -> dict[str, Tab]:
    """Return all tabs by their names."""
    return {kind.name: kind(config) for kind in KINDS}
