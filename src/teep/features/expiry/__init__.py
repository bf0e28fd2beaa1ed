"""Expiring jobs: as in Sidekiq Pro, a job is dropped if its `expires_in` is over before it could run.

| file | holds |
|---|---|
| `feature` | writing a job's expiry at its push, and dropping the job when it is too late |
| `times` | the time from which it is too late |
| `docs/jobs.md`, "Jobs that come too late" | the page for users |
"""

from teep.features.expiry.feature import Expiry
from teep.features.expiry.times import expiry

__all__ = ["Expiry", "expiry"]
