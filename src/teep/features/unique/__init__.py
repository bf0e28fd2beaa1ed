"""Unique jobs: of those that are alike only one is let in, until it has succeeded, or starts, or some time is over.

| file | holds |
|---|---|
| `feature` | what takes and gives back the lock, along with what happens to its job |
| `lock` | which jobs are alike, and the key of their lock |
| `wire/lua/lib/unique.lua` | the same in Redis |
| `docs/jobs.md`, "Unique jobs" | what users know of it |
"""

from teep.features.unique.feature import Unique

__all__ = ["Unique"]
