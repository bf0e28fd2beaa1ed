"""An entry as the clock sees it: its next tick, which of its ticks are due, and which of these are fired."""

from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from teep.schedules import schedule_of
from teep.store.periodic.entries import Stored

ON_TIME = 10.0
"""Seconds by which a tick may be late and still counts as one on time, as while the lead passes on."""
# Of an entry that catches up with all of its ticks, so many of the newest are fired at once.
_MOST = 100
# By how much more of the past is searched if there are too few ticks in it.
_WIDER = 4.0


class Due(NamedTuple):
    """Ticks of an entry that are due: those to fire, in order, and the first that is not fired, None if all are."""

    fire: list[float]
    missed: float | None


class Watched:
    """One entry, and how far the clock has come with it. `next` is its next tick, None if there is none any more.

    Raises:
        InvalidSchedule: this machine cannot read its schedule, or does not know its time zone.
    """

    def __init__(self, stored: Stored) -> None:
        entry = stored.entry
        self.stored = stored
        self.look_at: float | None = None
        """When the clock is to look at it."""
        self._schedule = schedule_of(entry.schedule, entry.tz, entry.name)
        self._ticks: Iterator[float] = iter(())
        self.next: float | None = None
        if not stored.is_paused:
            self._go_on(entry.since if stored.last is None else stored.last)

    def take(self, now: float) -> Due:
        """Return the ticks that are due, and go on to the next."""
        first = self.next
        if first is None or first > now:
            return Due([], None)
        self.next = next(self._ticks, None)
        if now - first <= ON_TIME and (self.next is None or self.next > now):
            return Due([first], None)  # as nearly always
        fire = self._to_fire(first, now)
        self._go_on(now)
        return Due(fire, None if first in fire else first)

    def _go_on(self, after: float) -> None:
        self._ticks = self._schedule.ticks(after, self.stored.entry.since)
        self.next = next(self._ticks, None)

    def _to_fire(self, first: float, now: float) -> list[float]:
        """Return those of the ticks since the first that are to be fired, in order.

        It searches backwards in steps that grow, so the work depends on what is fired, not on how much was missed.
        """
        entry = self.stored.entry
        wanted = _MOST if entry.catch_up == "all" else 1
        earliest = max(first, now - (ON_TIME if entry.catch_up == "none" else max(entry.grace, ON_TIME)))
        span, found = ON_TIME, self._between(max(earliest, now - ON_TIME), first, now)
        while len(found) < wanted and now - span > earliest:
            span *= _WIDER
            found = self._between(max(earliest, now - span), first, now)
        if entry.catch_up == "all":
            return found
        return [tick for tick in found if now - tick <= ON_TIME] or found[-1:]

    def _between(self, start: float, first: float, now: float) -> list[float]:
        """Return the newest ticks between two times; the first one of all is among them if they start with it."""
        ticks = takewhile(lambda tick: tick <= now, self._schedule.ticks(start, self.stored.entry.since))
        found = deque([first] if start == first else [], _MOST)
        found.extend(ticks)
        return list(found)
