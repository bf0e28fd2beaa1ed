"""The watchdog: a worker that fetches nothing says so, and does not go on like that for ever."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.telling import Logger
from teep.worker.fetch.fetcher import Fetcher

logger = Logger("teep")

# Seconds without a turn of something that takes one every few seconds, after which it counts as stuck.
STUCK = 30.0
# Seconds beyond the timeout that a process which is given up has for its orderly end.
LAST_RESORT = 5.0
# Seconds between looks.
_LOOK = 1.0


class Still:
    """For how long something has not moved.

    Each look counts for a second, however late it comes: while the process was stopped, or a C call held the
    interpreter, nothing could move, and the watchdog could not look either.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._mark: object = None

    def look(self, mark: object, *, excused: bool) -> float:
        """Compare its mark with the one of the last look; returns the seconds without a change."""
        self.seconds = 0.0 if excused or mark != self._mark else self.seconds + _LOOK
        self._mark = mark
        return self.seconds


class Reactions(NamedTuple):
    """What a worker does if it is stuck (`alarm`), and if it is lost (`give_up`, which takes the reason)."""

    alarm: Callable[[], None]
    give_up: Callable[[str], None]


class Watchdog(Service):
    """Looks every second whether the process does its work.

    1. Stuck: a fetch loop takes no turn although slots are free, or no heartbeat gets through although Redis is
       there, for 30 seconds. It is logged, and `alarm` called once.
    2. Lost: either lasts for `limit` seconds (0: never mind), or an outage does. `give_up` is called once.

    Slots that are all busy, a quiet process and paused queues are neither. It reads plain attributes only, since
    what is stuck may hold any lock.
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
        """What is stuck, as a sentence; empty where nothing is."""
        self.lost = ""
        """Why this process is lost, as a sentence; empty where it is not."""

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
            # In a thread of its own: what is stuck may be the log.
            threading.Thread(target=self._tell, args=(what,), name="teep-alarm", daemon=True).start()

    def _tell(self, what: str) -> None:
        logger.critical("%s; what each thread does follows", what)
        self._reactions.alarm()

    def _see_lost(self, seconds: float, why: str) -> None:
        if not self._limit or seconds < self._limit:
            self.lost = ""
        elif not self.lost:
            self.lost = f"{why}, for {self._limit:.0f} s now"
            self._reactions.give_up(self.lost)
