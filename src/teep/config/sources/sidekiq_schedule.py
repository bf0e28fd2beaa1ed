"""Reads the `:schedule:` that sidekiq-scheduler and sidekiq-cron have in a `sidekiq.yml`, as teep's own tables."""

import re
from collections.abc import Mapping
from typing import Any

_TIMES = ("cron", "every", "interval", "in", "at")
# What they have in common with teep; their other keys are for Ruby, or for their own bookkeeping.
_SAME = ("class", "args", "queue", "description", "retry")
_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_IN_WORDS = re.compile(rf"(\d+)\s*({'|'.join(_UNITS)})s?")


def tables_of(schedule: Any) -> Any:
    """Return the tables of a schedule by the names of its jobs, without those that are switched off.

    What is no schedule at all is returned as it is, for `Config` to refuse.
    """
    if not isinstance(schedule, Mapping):
        return schedule
    return {name: _table(name, table) for name, table in schedule.items() if _is_on(table)}


def _is_on(table: Any) -> bool:
    return not isinstance(table, Mapping) or (table.get("enabled", True) and table.get("status") != "disabled")


def _table(name: str, table: Any) -> Any:
    if not isinstance(table, Mapping):
        return table
    made = {key: table[key] for key in _SAME if table.get(key) is not None}
    for key in _TIMES:
        if table.get(key) is not None:
            made["every" if key == "interval" else key] = _time(key, table[key])
    made.setdefault("class", name)
    if "args" in made and not isinstance(made["args"], list):
        made["args"] = [made["args"]]
    return made


def _time(key: str, value: Any) -> str:
    """Return a time as teep writes it: `every` may have options behind it, and dates may have slashes."""
    text = str(value[0] if isinstance(value, list) and value else value).strip()
    if key == "cron":
        return text
    if key == "at":
        return text.replace("/", "-")
    if text.isdecimal():
        return f"{text}s"
    return _IN_WORDS.sub(lambda found: f"{found[1]}{_UNITS[found[2]]}", text)
