"""Periodic jobs: the leader fires each tick of a schedule once, whatever stops, dies or is changed meanwhile.

| file | holds |
|---|---|
| `feature` | what a job of an entry brings along: a note when it is pushed, and how it ended |
| `clock` | the service of the leader: wakes at each tick, and fires it |
| `watched` | an entry as the clock sees it: which of its ticks are due, and which are too late |
| `decorator` | `@teep.periodic` |
| `teep/schedules/`, `config/periodic.py` | schedules, and how entries are declared |
| `store/periodic/`, `wire/lua/lib/periodic.lua`, `wire/lua/periodic/` | the same in Redis |
| `api/periodic/` | the data API |
| `docs/periodic.md` | the page for users |
"""

from teep.features.periodic.feature import Periodic, clock_task

__all__ = ["Periodic", "clock_task"]
