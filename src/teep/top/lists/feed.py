"""What is asked of Redis at each look: the figures of the fleet, and the page in sight."""

import time
from collections import deque
from datetime import datetime
from typing import Any, NamedTuple

from teep.api import AsyncStats
from teep.config import Config
from teep.errors import RedisError
from teep.top.lists.rows import Listing
from teep.top.lists.text import plain
from teep.top.lists.views import View

_KEPT = 1_000


class Rate(NamedTuple):
    """Jobs a second that ran and that failed, up to a look."""

    processed: float
    failed: float


class Feed:
    """What Redis said last. If it says nothing, that stays, and `trouble` tells since when."""

    def __init__(self, config: Config) -> None:
        self.stats: dict[str, Any] | None = None
        self.rates: deque[Rate] = deque(maxlen=_KEPT)
        self.at = ""
        """The time of the last answer, as it is shown."""
        self.trouble = ""
        self._config = config
        self._before: tuple[float, dict[str, Any]] | None = None
        self._since = ""

    async def read(self, view: View) -> Listing | None:
        """Look once; None if Redis does not answer, or refuses."""
        try:
            stats = await AsyncStats(config=self._config).fetch_stats()
            self._note(stats)
            listing = await view.tab.read(view)
        except RedisError as error:
            self._since = self._since or f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - the clock on the wall
            self.trouble = f"! since {self._since}, all below is as it was then; {plain(error)}"
            return None
        self._since = self.trouble = ""
        return listing

    def _note(self, stats: dict[str, Any]) -> None:
        now = time.monotonic()
        if self._before is not None:
            at, before = self._before
            seconds = max(now - at, 0.001)
            done, failed = (max(stats[name] - before[name], 0) / seconds for name in ("processed", "failed"))
            self.rates.append(Rate(done, failed))
        self.stats, self._before = stats, (now, stats)
        self.at = f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - as above
