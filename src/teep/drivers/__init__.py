"""The drivers, which carry out plans on Redis: the only importers of redis-py.

`sync.Driver` runs plans on threads, `aio.AsyncDriver` on asyncio. Both share `request`, which does no I/O: it decides
which replies settle a command, and which commands may be sent again.

redis-py takes longer to import than all of teep, and asyncio, which it needs, a fourth of that. So `import teep`
loads neither: the first driver does.
"""

from typing import TYPE_CHECKING, Any

from teep.drivers.connections import urls

if TYPE_CHECKING:
    from teep.drivers.aio import AsyncDriver
    from teep.drivers.sync import Driver
    from teep.drivers.waiter import Waiter

__all__ = ["AsyncDriver", "Driver", "Waiter"]


def check_url(url: str) -> None:
    """Refuse a URL that cannot work, without connecting.

    Raises:
        ConfigurationError: says what is wrong; never shows the password.
    """
    if urls.parse(url).scheme.startswith("rediss"):
        from teep.drivers.connections import pools  # noqa: PLC0415 - see above: redis-py knows more about TLS alone

        pools.check_url(url)


if not TYPE_CHECKING:  # which would take any other name for one of these

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # All three, so that a worker imports none of them within a job, whose deadline might interrupt that.
        from teep.drivers import aio, sync, waiter  # noqa: PLC0415

        globals().update(AsyncDriver=aio.AsyncDriver, Driver=sync.Driver, Waiter=waiter.Waiter)
        return globals()[name]
