"""One look at Redis: the figures of the fleet, and the page in sight."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from teep.api import AsyncStats
from teep.config import Config
from teep.errors import TeepError
from teep.top.lists.rows import Listing
from teep.top.lists.text import plain
from teep.top.lists.views import View

_KEPT = 1_000

T = TypeVar("T")


class Rate(NamedTuple):
    """Jobs a second that ran and that failed, up to a look."""

    processed: float
    failed: float


class Feed:
    """The last answers of Redis. If it says nothing, that stays, and `trouble` tells since when."""

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
        """Look once, for the figures and the page at the same time; None if either was not to be had."""
        errors: list[TeepError] = []
        _, listing = await asyncio.gather(_tried(self._figures(), errors), _tried(view.tab.read(view), errors))
        if not errors:
            self._since = self.trouble = ""
            return listing
        self._since = self._since or f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - the clock on the wall
        self.trouble = f"! since {self._since}, all below is as it was then; {plain(errors[0])}"
        return None

    async def _figures(self) -> None:
        stats = await AsyncStats(config=self._config).fetch_stats()
        now = time.monotonic()
        if self._before is not None:
            at, before = self._before
            seconds = max(now - at, 0.001)
            done, failed = (max(stats[name] - before[name], 0) / seconds for name in ("processed", "failed"))
            self.rates.append(Rate(done, failed))
        self.stats, self._before = stats, (now, stats)
        self.at = f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - as above


async def _tried(work: Awaitable[T], errors: list[TeepError]) -> T | None:
    """Return what work returns; None if it fails, and the error is among `errors`. The work beside it goes on."""
    try:
        return await work
    except TeepError as error:
        errors.append(error)
        return None
