"""systemd's protocol for services: the program tells it when it is ready, when it stops, and that it still works.

A program that is started with `Type=notify` finds a datagram socket's address in `NOTIFY_SOCKET`. With
`WatchdogSec=`, it also finds how often it must give a sign of life.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from teep.clock import monotonic
from teep.runtime.service import OnError, Service
from teep.telling import Logger

logger = Logger("teep")

# Seconds that the service manager has to take a message, so that it cannot block the program.
_PATIENCE = 1.0
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """Sends messages about this process to the service manager; without one it does nothing.

    It removes the variables from the environment, so that programs started by this one do not see them.
    """

    def __init__(self) -> None:
        self._variables = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
        self._address = self._variables.get("NOTIFY_SOCKET", "")
        self.interval = self._interval()
        """Seconds between signs of life; 0 if none are wanted."""
        self._due = 0.0

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def is_alive(self) -> None:
        """Give a sign of life, if one is due."""
        if self.interval and monotonic() >= self._due:
            self._due = monotonic() + self.interval
            self._send("WATCHDOG=1", patience=0.0)

    @contextmanager
    def handed_on(self) -> Iterator[None]:
        """Put the variables back into the environment, for a program that replaces this one."""
        os.environ.update(self._variables)
        try:
            yield
        finally:
            for name in self._variables:
                os.environ.pop(name, None)

    def _interval(self) -> float:
        wanted = self._variables.get("WATCHDOG_USEC", "")
        pid = self._variables.get("WATCHDOG_PID", str(os.getpid()))
        if not self._address or not wanted.isdecimal() or pid != str(os.getpid()):
            return 0.0
        return int(wanted) / 1_000_000 / 2

    def _send(self, state: str, patience: float = _PATIENCE) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte that begins an abstract address.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(patience)
                sender.sendto(state.encode(), address)
        except BlockingIOError:
            pass  # the manager reads too slowly, and the next sign of life comes soon
        except OSError as error:
            logger.warning("the service manager cannot be told %s at NOTIFY_SOCKET: %s", state, error)


class SignsOfLife(Service):
    """Gives the service manager a sign of life, as often as it wants one, for as long as this process is alive."""

    def __init__(self, notifier: Notifier, is_live: Callable[[], bool], on_error: OnError) -> None:
        super().__init__("notify", on_error)
        self._notifier = notifier
        self._is_live = is_live

    def run_once(self) -> None:
        if self._is_live():
            self._notifier.is_alive()

    def pause(self) -> float:
        return self._notifier.interval or 1.0
