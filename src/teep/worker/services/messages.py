"""Messages to this process through Redis: signals, such as the Web UI's Quiet and Stop, and cancellations."""

from collections.abc import Callable

from teep.drivers import Waiter
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store import processes

# Seconds that the blocking pop waits at the server. A stop ends it early.
_BLOCK = 10


class MessageListener(Service):
    """Takes signals from `<identity>-signals` the moment they are sent; Sidekiq takes one at each heartbeat.

    Cancelled jids come the same way, in a list beside it. Without `obey`, signals are not taken.
    """

    def __init__(
        self,
        component: Component,
        obey: Callable[[str], None] | None,
        cancel: Callable[[str], None],
    ) -> None:
        super().__init__("signals", component.on_error)
        self._waiter = Waiter(component.driver)
        self._identity = component.identity
        self._obey = obey
        self._cancel = cancel

    def run_once(self) -> None:
        message = processes.next_message(self._identity, _BLOCK, signals=self._obey is not None)
        for _, (is_signal, text) in self._waiter.wait([message]):
            if is_signal and self._obey is not None:
                self._obey(text)
            else:
                self._cancel(text)

    def pause(self) -> float:
        return 0.0

    def interrupt(self) -> None:
        self._waiter.wake()

    def _loop(self) -> None:
        try:
            super()._loop()
        finally:
            self._waiter.close()
