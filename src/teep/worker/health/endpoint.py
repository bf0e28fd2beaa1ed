"""A tiny HTTP server that answers `/live` and `/ready`, for Kubernetes, load balancers and people with curl.

It knows GET and HEAD, reads at most 4 KB of a request within two seconds, and answers a few clients at a time.
So no client can block it or make it grow.
"""

import contextlib
import selectors
import socket
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

from teep.clock import monotonic
from teep.config.address import Address
from teep.errors import ConfigurationError
from teep.runtime.service import OnError, Service
from teep.wire import json
from teep.worker.health.health import Report

# The most bytes of a request; probes send a few hundred.
_LONGEST = 4096
# Seconds in which a client must send its whole request and take the answer.
_PATIENCE = 2.0
# Clients that are answered at a time; others are turned away.
_CLIENTS = 8
# Clients that the kernel keeps waiting, as when a supervisor starts its new program.
_BACKLOG = 64
# Seconds between looks for clients whose time is up.
_TICK = 1.0


class Endpoint(Service):
    """Answers health checks at an address. It listens from its creation until `close`.

    There are two ways to run it:
    1. As a service: `start` gives it a thread, so that a stuck part of a worker cannot block the answer.
    2. In another loop that must not have threads: call `answer` whenever `fileno` is readable, and every second.

    Args:
        address: where to listen.
        report: returns the health; called at each request.
        on_error: called with an error of a request.
        listener: a socket that listens at that address already.

    Raises:
        ConfigurationError: the address is taken or not one of this machine's.
    """

    def __init__(
        self,
        address: Address,
        report: Callable[[], Report],
        on_error: OnError,
        listener: socket.socket | None = None,
    ) -> None:
        super().__init__("health", on_error)
        self.listener = _listener(address) if listener is None else listener
        self.listener.setblocking(False)
        self._report = report
        self._deadlines: dict[socket.socket, float] = {}  # of each client, the earliest first
        self._deaf_until = 0.0
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ, partial(self._woken.recv, 1))
        self._listen()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.listener.getsockname()[1])

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to do: the selector's own."""
        return self._selector.fileno()

    def run_once(self) -> None:
        self.answer(_TICK)

    def pause(self) -> float:
        return 0.0

    def interrupt(self) -> None:
        self._waker.send(b".")

    def answer(self, wait: float = 0.0) -> None:
        """Answer the clients that have come; wait up to `wait` seconds for one."""
        for key, _ in self._selector.select(wait):
            key.data()
        now = monotonic()
        for client in [client for client, deadline in self._deadlines.items() if deadline <= now]:
            self._drop(client)
        if 0.0 < self._deaf_until <= now:
            self._listen()

    def finish(self) -> None:
        """Answer all accepted clients, within two seconds. New ones wait in the listener, for three at most."""
        self._listen_again_in(_PATIENCE + _TICK)
        while self._deadlines:
            self.answer(_TICK)

    def close(self) -> None:
        """Listen no more, and close every client. Idempotent. In a fork, the parent goes on listening."""
        # Nothing is unregistered, since a fork shares the kernel's list with its parent.
        self._selector.close()
        for owned in (self.listener, self._woken, self._waker, *self._deadlines):
            owned.close()

    def _listen(self) -> None:
        self._deaf_until = 0.0
        self._selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _listen_again_in(self, seconds: float) -> None:
        if not self._deaf_until:
            self._selector.unregister(self.listener)
        self._deaf_until = monotonic() + seconds

    def _accept(self) -> None:
        try:
            client, _ = self.listener.accept()
        except BlockingIOError:  # it went away again
            return
        except OSError as error:  # such as out of descriptors: trying again at once would only burn CPU
            self._listen_again_in(_TICK)
            self._on_error(error, self.name)
            return
        if len(self._deadlines) == _CLIENTS:
            client.close()
            return
        client.setblocking(False)
        self._deadlines[client] = monotonic() + _PATIENCE
        exchange = _exchange(client, self._report)
        self._selector.register(client, next(exchange), partial(self._proceed, client, exchange))

    def _proceed(self, client: socket.socket, exchange: Iterator[int]) -> None:
        awaited = None
        try:
            awaited = next(exchange, None)
        except OSError:  # the client went away
            pass
        except Exception as error:  # noqa: BLE001 - reported; one request must not end the others
            self._on_error(error, self.name)
        if awaited is None:
            self._drop(client)
        else:
            self._selector.modify(client, awaited, partial(self._proceed, client, exchange))

    def _drop(self, client: socket.socket) -> None:
        del self._deadlines[client]
        self._selector.unregister(client)
        with contextlib.suppress(OSError):  # it went away first
            client.shutdown(socket.SHUT_WR)
        client.close()


def _listener(address: Address) -> socket.socket:
    is_ipv6 = ":" in address.host
    try:
        return socket.create_server(
            tuple(address),
            family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
            backlog=_BACKLOG,
            dualstack_ipv6=is_ipv6 and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise ConfigurationError(f"health checks cannot be answered at {address}: {error}") from error


def _exchange(client: socket.socket, report: Callable[[], Report]) -> Iterator[int]:
    """Handle one request. Yields the selector's event to wait for, and ends when the client gets nothing more."""
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        yield selectors.EVENT_READ
        part = client.recv(_LONGEST - len(head))
        if not part:  # it has ended, or is too long
            return
        head += part
    left = _answer(head, report)
    while left:
        yield selectors.EVENT_WRITE
        left = left[client.send(left) :]


def _answer(head: bytes, report: Callable[[], Report]) -> bytes:
    method, _, rest = head.partition(b"\n")[0].strip().partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if method not in (b"GET", b"HEAD"):
        return _response(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "GET and HEAD only"}, "Allow: GET, HEAD\r\n")
    if path not in (b"/live", b"/ready"):
        return _response(HTTPStatus.NOT_FOUND, {"error": "there are /live and /ready"})
    state = report()
    fine = state.live if path == b"/live" else state.ready
    answer = _response(HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE, state._asdict())
    return answer if method == b"GET" else answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def _response(status: HTTPStatus, body: dict[str, Any], more: str = "") -> bytes:
    content = json.dumps(body) + b"\n"
    head = (
        f"HTTP/1.0 {status.value} {status.phrase}\r\n{more}Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode() + content
