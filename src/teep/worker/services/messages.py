"""What others send to this process through Redis: signals, as the Web UI's Quiet and Stop, and cancellations."""

from collections.abc import Callable

from teep.drivers import Waiter
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store import processes

# Seconds that the blocked pop waits at the server. It is ended early to stop.
_BLOCK = 10


class MessageListener(Service):
    """Takes signals from `<identity>-signals` the moment they are sent; Sidekiq takes one a heartbeat.

    Cancelled jids come the same way, in a list beside it. Without `obey` signals are left alone.
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
