"""A TCP proxy before a server, which treats chosen requests badly, and all of them slowly where it is told to.

It looks for a string in each request, so it suits clients that send one request and then read its answer.
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self


class Fate(Enum):
    """What becomes of a request."""

    ANSWER_LOST = auto()
    """The server carries it out; the connection breaks before the answer gets through."""
    ANSWER_WITHHELD = auto()
    """The server carries it out; the client never hears of it."""
    HELD = auto()
    """The server sees it only when the test says so; the client never hears of it."""
    REFUSED = auto()
    """The server never sees it; the client gets an error reply."""


@dataclass
class _Rule:
    text: bytes
    fate: Fate
    times: int
    error: bytes = b""


class Proxy:
    """Forwards every connection to a loopback port. Also a context manager, which closes it."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        """Seconds by which everything is delayed, in either direction."""
        self._target = port
        self._rules: list[_Rule] = []
        self._held: list[bytes] = []
        self._rejections = 0
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL of the server through the proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def lose_answer(self, text: bytes, times: int = 1) -> None:
        """Break the connection after the next `times` requests with `text` were carried out."""
        self._rules.append(_Rule(text, Fate.ANSWER_LOST, times))

    def withhold_answer(self, text: bytes, times: int = 1) -> None:
        """Leave the next `times` requests with `text` without an answer, the connection open."""
        self._rules.append(_Rule(text, Fate.ANSWER_WITHHELD, times))

    def hold(self, text: bytes, times: int = 1) -> None:
        """Keep the next `times` requests with `text` under way until `deliver`, whatever becomes of their client."""
        self._rules.append(_Rule(text, Fate.HELD, times))

    def deliver(self) -> int:
        """Let the held requests arrive; returns how many the server has carried out then."""
        with self._lock:
            requests, self._held = self._held, []
        for request in requests:
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                server.sendall(request)
                server.recv(1 << 16)
        return len(requests)

    def keep(self, request: bytes) -> None:
        """Put a request aside until `deliver`."""
        with self._lock:
            self._held.append(request)

    def refuse(self, text: bytes, error: str, times: int = 1) -> None:
        """Answer the next `times` requests with `text` by an error, such as "LOADING …"."""
        self._rules.append(_Rule(text, Fate.REFUSED, times, b"-" + error.encode() + b"\r\n"))

    def reject_connections(self, times: int = 1) -> None:
        """Close the next `times` connections as soon as they are there."""
        self._rejections = times

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for each in sockets:
            _shut(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                if self._rejections:
                    self._rejections -= 1
                    _shut(client)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except ConnectionRefusedError:  # the server is down
                    _shut(client)
                    continue
                with self._lock:
                    self._sockets += [client, server]
                connection = _Connection(self, client, server)
                threading.Thread(target=connection.forward_requests, daemon=True).start()
                threading.Thread(target=connection.forward_answers, daemon=True).start()

    def rule_for(self, request: bytes) -> _Rule | None:
        """Return the rule for a request, and count it."""
        with self._lock:
            for rule in self._rules:
                if rule.times > 0 and rule.text in request:
                    rule.times -= 1
                    return rule
        return None


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._fate: Fate | None = None

    def forward_requests(self) -> None:
        with contextlib.suppress(OSError):  # the other direction ended the connection
            while request := self._client.recv(1 << 16):
                rule = self._proxy.rule_for(request)
                if rule is not None and rule.fate is Fate.REFUSED:
                    self._client.sendall(rule.error)
                    continue
                if rule is not None and rule.fate is Fate.HELD:
                    self._proxy.keep(request)
                    continue
                self._fate = None if rule is None else rule.fate
                time.sleep(self._proxy.delay)
                self._server.sendall(request)
        self._end()

    def forward_answers(self) -> None:
        with contextlib.suppress(OSError):
            while answer := self._server.recv(1 << 16):
                if self._fate is Fate.ANSWER_LOST:
                    break
                if self._fate is None:
                    time.sleep(self._proxy.delay)
                    self._client.sendall(answer)
        self._end()

    def _end(self) -> None:
        _shut(self._client)
        _shut(self._server)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):  # was never connected, or is shut already
        each.shutdown(socket.SHUT_RDWR)
    each.close()
