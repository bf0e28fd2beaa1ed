"""The jobs of a queue or set, counted by class and error."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from teep.api.jobs.records import _JobRecord
from teep.client.times import shown
from teep.store.jobs.grouping import Group

R = TypeVar("R", bound=_JobRecord)

# The most rows that a table of groups shows; a screen holds no more.
_ROWS = 50
_HEAD = ("count", "class", "error", "oldest", "newest")


class JobGroup(NamedTuple, Generic[R]):
    """Jobs of one class and one error: how many, their latest and earliest time, and the latest one.

    In a set the times are its scores. In a queue they are when a job was enqueued, else created; 1970 if its payload
    does not say.
    """

    klass: str
    error_class: str
    count: int  # type: ignore[assignment]  # a tuple's own count() is of no use here
    newest: datetime
    oldest: datetime
    sample: R


class JobGroups(list[JobGroup[R]]):
    """Groups of jobs, largest first. At a prompt they show as a table."""

    def __repr__(self) -> str:
        if not self:
            return "no jobs"
        rows = [_HEAD, *(_row(group) for group in self[:_ROWS])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [_line(row, widths) for row in rows]
        if len(self) > _ROWS:
            lines.append(f"and {len(self) - _ROWS} more groups")
        return "\n".join(lines)


def groups_of(found: Iterable[Group], record: Callable[[bytes, float], R]) -> JobGroups[R]:
    """Return the groups that the store counted, as users see them."""
    return JobGroups(
        JobGroup(
            group.klass,
            group.error_class,
            group.size,
            shown(group.newest),
            shown(group.oldest),
            record(group.sample, group.newest),
        )
        for group in found
    )


def _row(group: JobGroup[R]) -> tuple[str, ...]:
    times = (f"{time:%Y-%m-%d %H:%M:%S}" for time in (group.oldest, group.newest))
    return (f"{group.count:,}", _printable(group.klass), _printable(group.error_class), *times)


def _printable(name: str) -> str:
    """Return a name from Redis that is safe to print on a terminal."""
    return name if name.isprintable() else repr(name)[1:-1]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    count, *others = row
    cells = (cell.ljust(width) for cell, width in zip(others, widths[1:], strict=True))
    return "  ".join([count.rjust(widths[0]), *cells]).rstrip()
