"""Unique jobs: pushing an identical job does nothing until the first one has succeeded, or starts, or a time is over.

| file | holds |
|---|---|
| `feature` | taking and releasing the lock, in the steps that push and end its job |
| `lock` | the key of the lock, which identical jobs share |
| `wire/lua/lib/unique.lua` | the same in Redis |
| `docs/jobs.md`, "Unique jobs" | the page for users |
"""

from teep.features.unique.feature import Unique

__all__ = ["Unique"]
