"""Signals that others send to this process through Redis, such as the Web UI's Quiet and Stop buttons."""

from collections.abc import Callable

from teep.drivers import Driver, Waiter
from teep.store import processes
from teep.worker.service import OnError, Service

# Seconds that the blocked pop waits at the server. It is ended early to stop.
_BLOCK = 10


class SignalListener(Service):
    """Takes signals from `<identity>-signals` the moment they are sent; Sidekiq takes one a heartbeat."""

    def __init__(self, driver: Driver, identity: str, obey: Callable[[str], None], on_error: OnError) -> None:
        super().__init__("signals", on_error)
        self._waiter = Waiter(driver)
        self._identity = identity
        self._obey = obey

    def run_once(self) -> None:
        for _, name in self._waiter.wait([processes.next_signal(self._identity, _BLOCK)]):
            self._obey(name)

    def pause(self) -> float:
        return 0.0

    def interrupt(self) -> None:
        self._waiter.wake()

    def _loop(self) -> None:
        try:
            super()._loop()
        finally:
            self._waiter.close()
