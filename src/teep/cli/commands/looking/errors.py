"""`teep errors`: what failed, and how."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from teep.cli.command import option
from teep.cli.options import AtMost, Looking
from teep.cli.printing import Column, print_lines, show, table
from teep.cli.showing.progress import Stoppable
from teep.cli.showing.spans import ago, stamp

if TYPE_CHECKING:
    from teep.api import ErrorGroup, JobSet, SortedEntry
    from teep.config import Config

Limit = Annotated[
    int,
    option("--limit", type=AtMost(), metavar="N", show_default=True, help="At most so many groups."),
]

_STEP = 0.25
"""Seconds of counting between two looks at how far it is."""

_COLUMNS = [
    Column("jobs", is_figure=True), Column("in"), Column("class", style="bold cyan", is_long=True),
    Column("error", is_long=True, style="red"), Column("last", is_figure=True),
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ErrorsFlags(Looking):
    """How many groups."""

    limit: Limit = 20


class _Row(NamedTuple):
    """A group of jobs that failed alike; `where` is "retries" or "dead", `filter` selects them there."""

    where: str
    group: "ErrorGroup[SortedEntry]"
    filter: str | None


def errors(flags: ErrorsFlags) -> None:
    """Show what failed: the jobs of retries and dead, by class, error and message, the largest group first.

    A "#" in a message stands for any number. It takes a second a hundred thousand jobs.

    Example: [bold]teep errors --limit 5[/bold]
    """
    rows = _read(flags.configured())
    if flags.as_json:
        print_lines(_told(row) for row in rows[: flags.limit])
        return
    if not rows:
        print("No job has failed: there are none in retries and dead.")
        return
    show(table(_COLUMNS, map(_shown, rows[: flags.limit])))
    if len(rows) > flags.limit:
        print(f"And {len(rows) - flags.limit:,} smaller groups; --limit N shows more.")
    first = rows[0].filter
    if first is not None and first.isprintable():  # else it would not be the same filter once it is pasted
        print(f"The first ones: teep jobs {rows[0].where} {shlex.quote(first)}")


def _read(config: "Config") -> list[_Row]:
    from teep.api import DeadSet, RetrySet
    from teep.api.jobs.selection.words import of_errors

    sets = {"retries": RetrySet(config=config), "dead": DeadSet(config=config)}
    rows = [
        _Row(where, group, None if (conditions := group.conditions) is None else of_errors(conditions))
        for where, jobs in sets.items()
        for group in _groups(where, jobs)
    ]
    return sorted(rows, key=lambda row: -row.group.count)


def _groups(where: str, jobs: "JobSet") -> "list[ErrorGroup[SortedEntry]]":
    with Stoppable(where) as work:
        found = jobs.errors(seconds=_STEP)
        while work.told(found.looked_at, found.total) and not found.complete:
            found = jobs.errors(found, seconds=_STEP)
    if work.is_cut_short:
        raise KeyboardInterrupt
    return found.groups


def _shown(row: _Row) -> tuple[str, ...]:
    group = row.group
    error = ": ".join(filter(None, (group.error_class, "…" if group.message is None else group.message)))
    return f"{group.count:,}", row.where, group.klass, error, ago(group.last)


def _told(row: _Row) -> dict[str, Any]:
    group = row.group
    return {
        "in": row.where, "class": group.klass, "error_class": group.error_class, "message": group.message,
        "jobs": group.count, "first": stamp(group.first), "last": stamp(group.last), "filter": row.filter,
    }  # fmt: skip
