"""The limits of a fleet as pages and scrapes read them, if there are any."""

from collections.abc import Mapping, Sequence

from teep.api.limits import AsyncLimiter, AsyncLimiterSet
from teep.web.known.presence import Presence
from teep.web.rendering import Site

Waiting = Mapping[str, int]
"""The names of limits, and how many jobs wait for each."""


class Limited:
    """What an app knows of limits."""

    def __init__(self, site: Site) -> None:
        self._limiters = AsyncLimiterSet(config=site.config)
        self._presence = Presence.of(site, "limits")

    @classmethod
    def of(cls, site: Site) -> "Limited":
        """Return that of an app."""
        made: Limited = site.shared.setdefault("limited", cls(site))
        return made

    async def waiting(self) -> Mapping[str, Waiting]:
        """Return what jobs wait for, by queue. At most three round trips."""
        return await self._limiters.waiting() if await self._are_there() else {}

    async def recent(self) -> Sequence[AsyncLimiter]:
        """Return the limits that were used last, the latest first. At most three round trips."""
        return await self._limiters.recent() if await self._are_there() else ()

    async def _are_there(self) -> bool:
        return await self._presence.are_there(self._limiters.size)
