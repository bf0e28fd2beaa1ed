"""The kinds of schedules. Each tells the moments (epoch seconds) after a given one, in order."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Protocol

from cronsim import CronSim

from teep.schedules import durations

_HOUR = 3600.0


class Schedule(Protocol):
    """When an entry is due. Both methods are pure: neither reads a clock."""

    def ticks(self, after: float, since: float) -> Iterator[float]:
        """Yield the moments after a time, for ever; `since` is the time from which the entry's schedule counts."""
        ...

    def words(self) -> str:
        """Return it in English, such as "At 04:00 every day"."""
        ...


class Cron:
    """The moments of a cron expression of five fields, or six with seconds in front, on the clocks of a time zone.

    A job that has a time of its own runs once a day also when clocks change. If its time is left out, it runs at the
    first moment after the gap, and if its time comes twice, at the first. More frequent ones, with a `*` in the
    minute or the hour, follow the time that passes: as Debian's cron does it.
    """

    def __init__(self, fields: str, zone: tzinfo) -> None:
        self._fields = fields
        self._zone = zone

    def ticks(self, after: float, since: float) -> Iterator[float]:  # noqa: ARG002 - counts from nothing
        last, start = after, datetime.fromtimestamp(after, self._zone)
        if start.fold:  # in the hour that comes again cronsim could take one for the first
            start = datetime.fromtimestamp(after - _HOUR, self._zone)
        for moment in CronSim(self._fields, start):
            tick = moment.timestamp()
            # Near a change of the clocks cronsim gives a moment before `after`, or the same one twice.
            if tick > last:
                yield tick
                last = tick

    def words(self) -> str:
        return CronSim(self._fields, datetime.fromtimestamp(0, self._zone)).explain()


class Every:
    """A moment each so many seconds, counted from the entry's registration."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def ticks(self, after: float, since: float) -> Iterator[float]:
        since = float(int(since))
        passed = max(0, int((after - since) // self._seconds))
        while True:
            passed += 1
            if (tick := since + passed * self._seconds) > after:
                yield tick

    def words(self) -> str:
        return f"Every {durations.words_of(self._seconds)}"


class Once:
    """One moment: a time, or so many seconds after the entry's registration."""

    def __init__(self, words: str, *, at: float | None = None, delay: int = 0) -> None:
        self._words = words
        self._at = at
        self._delay = delay

    def ticks(self, after: float, since: float) -> Iterator[float]:
        tick = self._at if self._at is not None else float(int(since)) + self._delay
        if tick > after:
            yield tick

    def words(self) -> str:
        return self._words
