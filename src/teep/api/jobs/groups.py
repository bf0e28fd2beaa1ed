"""The jobs of a queue or set, counted by class and error, and those of a set by what the error said, too."""

import glob
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar, Generic, NamedTuple, TypeVar

from teep.api.base import Api
from teep.api.jobs.entries import _SortedEntry
from teep.api.jobs.records import _JobRecord
from teep.api.jobs.selection.bounds import SEARCH_SECONDS
from teep.api.jobs.selection.filters import Conditions
from teep.client.times import shown
from teep.drivers.operation import operation
from teep.store.jobs import grouping
from teep.store.jobs.grouping import Failures, Group
from teep.telling import on_one_line
from teep.wire import payload
from teep.wire.fields.messages import MOST_BYTES
from teep.wire.keys import Key

R = TypeVar("R", bound=_JobRecord)
E = TypeVar("E", bound=_SortedEntry)

# Messages of one class and error that are told apart; further ones are counted together.
_MOST_MESSAGES = 200

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


class ErrorGroup(NamedTuple, Generic[E]):
    """Jobs that failed alike: in the same class, by the same error, with the same words but for numbers.

    `message` has "#" for each number; None stands for all further messages, if an error has very many. `first` and
    `last` tell when they failed, None if no job does; `sample` is the job that failed last.
    """

    klass: str
    error_class: str
    message: str | None
    count: int  # type: ignore[assignment]  # as in `JobGroup`
    first: datetime | None
    last: datetime | None
    sample: E

    @property
    def conditions(self) -> Conditions | None:
        """What `where` takes to select them; None if no conditions can: they have no error, or several messages."""
        if not (self.sample.is_job and self.error_class and self.message is not None):
            return None
        # What is longer was cut.
        rest = "*" if len(self.message.encode()) > MOST_BYTES - 4 else ""
        return {
            "klass": glob.escape(payload.executed_class(self.sample.item)),
            "error_class": glob.escape(self.error_class),
            "error_message": glob.escape(self.message) + rest,
        }


class ErrorGroups(NamedTuple, Generic[E]):
    """How the jobs of a set failed, largest group first, as far as they were counted: `looked_at` of `total` jobs.

    `place` is where `errors(after=…)` goes on, None if all were looked at.
    """

    groups: list[ErrorGroup[E]]
    total: int
    looked_at: int
    place: tuple[bytes, float] | None

    @property
    def complete(self) -> bool:
        """Whether every job was looked at."""
        return self.place is None


class _Grouped(Api, Generic[E]):
    """What a set tells about its jobs by their classes and errors."""

    _key: ClassVar[Key]

    @operation
    async def groups(self) -> JobGroups[E]:
        """Return how many jobs there are of each class and error, largest first; a table at a prompt.

        One pass inside Redis, 1000 jobs a step; only the groups cross the network.
        """
        return groups_of(await grouping.groups(self._key), lambda raw, score: self._entries([(raw, score)])[0])

    @operation
    async def errors(self, after: ErrorGroups[E] | None = None, *, seconds: float = SEARCH_SECONDS) -> ErrorGroups[E]:
        """Return how many jobs failed alike, by class, error and message, from the highest score down.

        It ends after `seconds`, and the result says how far it came; `after` is one that goes on from there. One
        round trip per 1000 jobs; only the groups cross the network.
        """
        if after is not None and after.complete:
            return after
        until = time.monotonic() + seconds
        tally = _Tally(() if after is None else after.groups)
        looked_at, place = (0, None) if after is None else (after.looked_at, after.place)
        while True:
            part = await grouping.failures(self._key, place)
            tally.add(self._failed(group) for group in part.groups)
            looked_at, place = looked_at + part.looked_at, part.place
            if place is None or time.monotonic() >= until:
                return ErrorGroups(tally.largest_first(), part.size, looked_at, place)

    def _failed(self, found: Failures) -> ErrorGroup[E]:
        (sample,) = self._entries([(found.sample, found.score)])
        first, last = _moment(found.first), _moment(found.last)
        return ErrorGroup(found.klass, found.error_class, found.message, found.size, first, last, sample)

    def _entries(self, found: list[tuple[bytes, float]]) -> list[E]:  # noqa: ARG002 - for the sets
        raise TypeError(f"{type(self).__qualname__} holds no jobs")


class _Tally(Generic[E]):
    """Groups of failures, added up slice by slice."""

    def __init__(self, groups: Iterable[ErrorGroup[E]]) -> None:
        self._groups: dict[tuple[str, str, str | None], ErrorGroup[E]] = {}
        self._messages = Counter[tuple[str, str]]()
        self.add(groups)

    def add(self, groups: Iterable[ErrorGroup[E]]) -> None:
        for group in groups:
            kind, name = (group.klass, group.error_class), group[:3]
            if name not in self._groups and self._messages[kind] >= _MOST_MESSAGES:
                name = (*kind, None)
            if name not in self._groups:
                self._messages[kind] += name[2] is not None
                self._groups[name] = group._replace(message=name[2])
            else:
                self._groups[name] = _added(self._groups[name], group)

    def largest_first(self) -> list[ErrorGroup[E]]:
        return sorted(self._groups.values(), key=lambda group: (-group.count, *group[:2], group.message or ""))


def _added(one: ErrorGroup[E], other: ErrorGroup[E]) -> ErrorGroup[E]:
    """Return two groups as one."""
    firsts = [moment for moment in (one.first, other.first) if moment is not None]
    latest = other if other.last is not None and (one.last is None or other.last > one.last) else one
    return one._replace(
        count=one.count + other.count, first=min(firsts, default=None), last=latest.last, sample=latest.sample
    )


def _moment(seconds: float) -> datetime | None:
    """Return a time that payloads tell; None for 0, and for what no calendar has."""
    try:
        return shown(seconds) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


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
    return (f"{group.count:,}", on_one_line(group.klass), on_one_line(group.error_class), *times)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    count, *others = row
    cells = (cell.ljust(width) for cell, width in zip(others, widths[1:], strict=True))
    return "  ".join([count.rjust(widths[0]), *cells]).rstrip()
