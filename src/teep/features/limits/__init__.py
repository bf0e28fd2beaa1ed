"""Limits that hold across all processes: how many at a time, or how many in a time.

| file | holds |
|---|---|
| `limit` | a limit as it is declared: its kind, its numbers, and how to look at it and change it |
| `within` | `with limit.within_limit():` and `async with`, in any process |
| `held` | the leases of what this process holds, and their renewal |
| `feature` | the job option `limit`: asking before the run, and waiting in the scheduled set |
| `memory` | limits in tests without Redis |
| `client/limiters.py`, `api/limits.py`, `store/limits.py` | usage and changes; the data API; the plans |
| `wire/lua/limits/`, `wire/lua/lib/limits/` | the same in Redis |
| `docs/limits.md` | the page for users |
"""

from teep.client.limiters import Usage
from teep.errors import OverLimit
from teep.features.limits.feature import Limits
from teep.features.limits.limit import Limit, bucket, concurrent, leaky, points, unlimited, window
from teep.store import features

__all__ = [
    "Limit",
    "OverLimit",
    "Usage",
    "bucket",
    "concurrent",
    "leaky",
    "points",
    "unlimited",
    "window",
]

features.register(Limits())
