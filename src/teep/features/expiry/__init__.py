"""Jobs that are dropped, as Sidekiq Pro does, if their `expires_in` is over before they could run.

| file | holds |
|---|---|
| `feature` | what writes a job's expiry at its push, and keeps it from running when it is too late |
| `times` | when that is |
| `docs/jobs.md`, "Jobs that come too late" | what users know of it |
"""

from teep.features.expiry.feature import Expiry
from teep.features.expiry.times import expiry

__all__ = ["Expiry", "expiry"]
