"""Tests of periodic jobs: whether they can run at all, and what is pushed as time goes by."""

from datetime import UTC, datetime
from heapq import merge
from importlib import import_module

from teep.client import Client
from teep.client.times import epoch
from teep.config import Config, default_config
from teep.config.periodic import entries_of
from teep.errors import InvalidSchedule, TeepError
from teep.job import definition
from teep.store.periodic import ticks
from teep.store.periodic.entries import Entry


def check_periodic(*, config: Config | None = None) -> list[str]:
    """Check the periodic jobs that code and files declare; returns their names.

    Schedules and time zones were checked when they were declared. A class with a dot in its name is a job of Python:
    it must be found by that name, if need be by importing its module, and must take the arguments of its entry.

    Raises:
        InvalidSchedule: every problem found, in sentences.
        ConfigurationError: two entries have the same name.
    """
    entries = entries_of(config or default_config())
    problems = [f"{name}: {problem}" for name, entry in entries.items() if (problem := _problem(entry))]
    if problems:
        raise InvalidSchedule("; ".join(problems))
    return list(entries)


def travel(
    start: datetime | float, end: datetime | float, *, config: Config | None = None
) -> list[tuple[datetime, str]]:
    """Push the periodic jobs that are due after `start` and up to `end`, in the order of time.

    Inside of `fake()` they are collected; inside of `inline()` each runs at once, and knows its `tick`. Intervals
    such as `@every 10m` count from `start`. A naive datetime is local time, a number epoch seconds. Returns the
    moments, in UTC, and the names of the entries.
    """
    used = config or default_config()
    first, last = epoch(start), epoch(end)
    client, entries = Client(used), entries_of(used)
    fired: list[tuple[datetime, str]] = []
    for tick, name in merge(*(_ticks(entry, first, last) for entry in entries.values())):
        client.push(ticks.job_of(entries[name]._replace(jitter=0.0), tick))
        fired.append((datetime.fromtimestamp(tick, UTC), name))
    return fired


def _ticks(entry: Entry, first: float, last: float) -> list[tuple[float, str]]:
    from teep.schedules import schedule_of  # noqa: PLC0415 - few tests need it

    found: list[tuple[float, str]] = []
    for tick in schedule_of(entry.schedule, entry.tz, entry.name).ticks(first, first):
        if tick > last:
            break
        found.append((tick, entry.name))
    return found


def _problem(entry: Entry) -> str:
    name = str(entry.job["class"])
    known = definition.known(name)
    if known is None and "." in name:
        module = name.rpartition(".")[0]
        try:
            import_module(module)
        except Exception as error:  # noqa: BLE001 - told; a module may raise anything
            return f"the module of {name} cannot be imported: {error}"
        known = definition.known(name)
        if known is None:
            return f"{module} has no job {name.rpartition('.')[2]!r}"
    if known is None:
        return ""  # a class that only others know
    try:
        known.to_payload(tuple(entry.job["args"]), dict(entry.job.get("kwargs") or {}))
    except TeepError as error:
        return str(error)
    return ""
