"""Where plans meet Redis: the only importers of redis-py.

`sync.Driver` runs plans on threads, `aio.AsyncDriver` on asyncio; what they share (which replies settle a
command, what may be sent again) is `conversation`, which does no I/O.
"""

from teep.drivers.aio import AsyncDriver
from teep.drivers.sync import Driver
from teep.drivers.waiter import Waiter

__all__ = ["AsyncDriver", "Driver", "Waiter"]
