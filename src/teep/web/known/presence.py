"""Whether a fleet uses a feature at all: one that does not pays next to nothing for the pages that show it."""

import time
from collections.abc import Awaitable, Callable

from teep.config import Config
from teep.errors import RedisCommandError
from teep.web.rendering import Site

# Seconds until one asks again for what was not there.
_PATIENCE = 60.0


class Presence:
    """What an app knows of one feature's use."""

    def __init__(self) -> None:
        self._none_until = 0.0

    @classmethod
    def of(cls, site: Site, what: str) -> "Presence":
        """Return that of an app for a feature, such as "limits"."""
        made: Presence = site.shared.setdefault(f"presence of {what}", cls())
        return made

    async def are_there(self, size: Callable[[], Awaitable[int]]) -> bool:
        """Tell whether there are any, by their number. If there are none, it is asked for again after a while."""
        now = time.monotonic()
        if now < self._none_until:
            return False
        if await size():
            return True
        self._none_until = now + _PATIENCE
        return False


def used(what: str, size: Callable[[Config], Awaitable[int]]) -> Callable[[Site], Awaitable[bool]]:
    """Return what tells whether the tab of a feature is shown. If Redis refuses to say, it is: its page tells why."""

    async def is_used(site: Site) -> bool:
        try:
            return await Presence.of(site, what).are_there(lambda: size(site.config))
        except RedisCommandError:
            return True

    return is_used
