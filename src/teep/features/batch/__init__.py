"""Batches in workers: each end of a job is told to its batch in the same step.

| file | holds |
|---|---|
| `feature` | the parts that go along with a push and with the ends of jobs; invalid batches |
| `watch` | the leader's look at batches that make no progress |
| `client/batches/`, `api/batches/` | making batches; looking at them |
| `store/batches.py`, `store/compact.py`, `wire/lua/lib/batch.lua` | the same in Redis |
| `docs/batches.md` | the page for users |
"""

from teep.features.batch.feature import Batches, watch_task

__all__ = ["Batches", "watch_task"]
