"""Where plans meet Redis: the only importers of redis-py.

`sync.Driver` runs plans on threads, `aio.AsyncDriver` on asyncio; what they share (which replies settle a
command, what may be sent again) is `conversation`, which does no I/O.

redis-py takes longer to import than all of teep, and asyncio, which it needs, a fourth of that. So `import teep`
loads neither: the first driver does.
"""

from typing import TYPE_CHECKING, Any

from teep.drivers import urls

if TYPE_CHECKING:
    from teep.drivers.aio import AsyncDriver
    from teep.drivers.sync import Driver
    from teep.drivers.waiter import Waiter

__all__ = ["AsyncDriver", "Driver", "Waiter"]


def check_url(url: str) -> None:
    """Refuse a URL that cannot work, without connecting.

    Raises:
        ConfigurationError: with what is wrong; never with the password.
    """
    if urls.parse(url).scheme.startswith("rediss"):
        from teep.drivers import pools  # noqa: PLC0415 - see above: redis-py knows more about TLS alone

        pools.check_url(url)


if not TYPE_CHECKING:  # which would take any other name for one of these

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # All three, so that a worker imports none of them within a job, whose deadline might interrupt that.
        from teep.drivers import aio, sync, waiter  # noqa: PLC0415

        globals().update(AsyncDriver=aio.AsyncDriver, Driver=sync.Driver, Waiter=waiter.Waiter)
        return globals()[name]
