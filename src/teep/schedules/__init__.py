"""When a periodic job is due: cron expressions and their kin, as values. It reads no clock, and alone knows cronsim.

| file | holds |
|---|---|
| `expressions` | reading a schedule as it is written, with its errors in sentences |
| `kinds` | the moments of a cron expression, of an interval, and of a single time |
| `spreading` | `H`, which gives each entry a minute of its own |
| `durations` | `10m`, `1h30m` |
"""

from teep.schedules.expressions import parse, schedule_of
from teep.schedules.kinds import Schedule

__all__ = ["Schedule", "parse", "schedule_of"]
