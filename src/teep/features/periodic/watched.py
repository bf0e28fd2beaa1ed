"""An entry as the clock sees it: its next tick, which of its ticks are due, and which of these are fired."""

from collections.abc import Iterator
from typing import NamedTuple

from teep.schedules import schedule_of
from teep.store.periodic.entries import CatchUp, Stored

ON_TIME = 10.0
"""Seconds by which a tick may be late and still counts as one on time, as while the lead passes on."""
# Of an entry that catches up with all of its ticks, so many of the newest are fired at once.
_MOST = 100


class Due(NamedTuple):
    """Ticks of an entry that are due: those to fire, in order, and the newest that is not fired, None if all are."""

    fire: list[float]
    missed: float | None


class Watched:
    """One entry, and how far the clock has come with it. `next` is its next tick, None if there is none any more."""

    def __init__(self, stored: Stored, now: float) -> None:
        entry = stored.entry
        self.stored = stored
        self.missed: float | None = None
        """A tick that is too late to be fired, though none was since."""
        last = entry.since if stored.last is None else stored.last
        self._ticks: Iterator[float] = iter(())
        self.next: float | None = None
        if stored.is_paused:
            return
        schedule = schedule_of(entry.schedule, entry.tz, entry.name)
        earliest = now - _reach(entry.catch_up, entry.grace)
        self._ticks = schedule.ticks(last, entry.since)
        self._advance()
        if self.next is not None and self.next < earliest:
            # A walk through all that was missed could be long.
            self.missed = self.next
            self._ticks = schedule.ticks(earliest, entry.since)
            self._advance()

    def take(self, now: float) -> Due:
        """Return the ticks that are due, and go on to the next."""
        due: list[float] = []
        while self.next is not None and self.next <= now:
            due.append(self.next)
            self._advance()
        fire = chosen(due, self.stored.entry.catch_up, now)
        missed, self.missed = self.missed, None
        left_out = [tick for tick in due if tick not in fire]
        return Due(fire, left_out[-1] if left_out else missed)

    def _advance(self) -> None:
        self.next = next(self._ticks, None)


def chosen(due: list[float], catch_up: CatchUp, now: float) -> list[float]:
    """Return those of the ticks that are due which are to be fired."""
    on_time = [tick for tick in due if now - tick <= ON_TIME]
    if catch_up == "all":
        return due[-_MOST:]
    if catch_up == "latest" and not on_time:
        return due[-1:]
    return on_time


def _reach(catch_up: CatchUp, grace: float) -> float:
    """Return how many seconds a tick may be late."""
    return ON_TIME if catch_up == "none" else max(grace, ON_TIME)
