"""The history: what the whole fleet was like, minute by minute for 72 hours and hour by hour for 90 days.

| file | holds |
|---|---|
| `recorder` | the service of the leader, which samples the fleet; loaded only for a leader with `history=True` |
| `store/statistics/history.py`, `wire/lua/history/` | a sample, and its records in Redis |
| `api/timeline.py` | reading them |
| `docs/history.md` | the page for users |
"""

from typing import TYPE_CHECKING

from teep.config.hooks import LeaderTask

if TYPE_CHECKING:
    from teep.config.hooks import BackgroundService
    from teep.runtime.component import Component

__all__ = ["recorder_task"]


def _recorder(component: "Component") -> "BackgroundService":
    from teep.features.history.recorder import Recorder  # noqa: PLC0415 - only for a leader that records the history

    return Recorder(component)


recorder_task = LeaderTask("history", _recorder, option="history")
