"""The watchdog: notices a worker that is stuck, logs it, and ends the process if that lasts."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.telling import Logger
from teep.worker.fetch.fetcher import Fetcher

logger = Logger("teep")

# A loop that turns every few seconds counts as stuck after so many seconds without a turn.
STUCK = 30.0
# Seconds beyond the timeout that a lost process has for its orderly end.
LAST_RESORT = 5.0
# Seconds between looks.
_LOOK = 1.0


class Still:
    """Counts the seconds for which something has not moved.

    Each look counts for one second, however late it comes. While the process was frozen, or a C call held the
    interpreter, nothing could move, and the watchdog could not look either.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._mark: object = None

    def look(self, mark: object, *, excused: bool) -> float:
        """Compare a mark with that of the last look; returns the seconds without a change."""
        self.seconds = 0.0 if excused or mark != self._mark else self.seconds + _LOOK
        self._mark = mark
        return self.seconds


class Reactions(NamedTuple):
    """The actions for a worker that is stuck (`alarm`) or lost (`give_up`, which takes the reason)."""

    alarm: Callable[[], None]
    give_up: Callable[[str], None]


class Watchdog(Service):
    """Looks every second whether the process does its work.

    1. Stuck: for 30 seconds, a fetch loop takes no turn although slots are free, or no heartbeat gets through
       although Redis is there. It is logged, and `alarm` is called once.
    2. Lost: either lasts for `limit` seconds (0: no limit), or an outage does. `give_up` is called once.

    Slots that are all busy, a quiet process and paused queues are neither. It reads plain attributes only, since a
    stuck part may hold any lock.
    """

    def __init__(
        self,
        component: Component,
        fetchers: Sequence[Fetcher],
        heartbeat: Service,
        limit: float,
        reactions: Reactions,
    ) -> None:
        super().__init__("watchdog", component.on_error)
        self._fetchers = fetchers
        self._heartbeat = heartbeat
        self._outage = component.outage
        self._limit = limit
        self._reactions = reactions
        self._loops = [Still() for _ in fetchers]
        self._beats = Still()
        self._away = Still()
        self.stuck = ""
        """A sentence that says what is stuck; empty if nothing is."""
        self.lost = ""
        """A sentence that says why this process is lost; empty if it is not."""

    def run_once(self) -> None:
        away = self._outage.since
        idle = max(
            still.look(fetcher.turned_at, excused=not fetcher.idle or fetcher.quiet.is_set())
            for fetcher, still in zip(self._fetchers, self._loops, strict=True)
        )
        mute = self._beats.look(self._heartbeat.turned_at, excused=away is not None) - self._heartbeat.pause()
        self._see_stuck(
            *max((idle, "the fetch loop stands still, with slots free"), (mute, "no heartbeat gets through"))
        )
        self._see_lost(
            *max((self._away.look(away, excused=away is None), self._outage.error), (max(idle, mute), self.stuck))
        )

    def pause(self) -> float:
        return _LOOK

    def _see_stuck(self, seconds: float, what: str) -> None:
        if seconds < (min(STUCK, self._limit) if self._limit else STUCK):
            if self.stuck:
                logger.warning("no longer: %s", self.stuck)
            self.stuck = ""
        elif not self.stuck:
            self.stuck = what
            # In a thread of its own, since the log itself may be stuck.
            threading.Thread(target=self._tell, args=(what,), name="teep-alarm", daemon=True).start()

    def _tell(self, what: str) -> None:
        logger.critical("%s; the stack of each thread follows", what)
        self._reactions.alarm()

    def _see_lost(self, seconds: float, why: str) -> None:
        if not self._limit or seconds < self._limit:
            self.lost = ""
        elif not self.lost:
            self.lost = f"{why}, for {self._limit:.0f} s now"
            self._reactions.give_up(self.lost)
