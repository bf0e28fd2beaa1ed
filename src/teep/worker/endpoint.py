"""A tiny HTTP server that answers `/live` and `/ready`, for Kubernetes, load balancers and people with curl.

It knows GET and HEAD, reads at most 4 KB of a request within two seconds, and answers a few clients at a time:
whoever connects can neither hold it up nor make it grow.
"""

import contextlib
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from teep.config.address import Address
from teep.errors import ConfigurationError
from teep.wire import json
from teep.worker.health import Report

logger = logging.getLogger("teep")

# Bytes of a request; probes send a few hundred.
_LONGEST = 4096
# Seconds in which a request must be there whole, and its answer taken.
_PATIENCE = 2.0
# Clients that are answered at a time; others are turned away.
_CLIENTS = 8


class Endpoint:
    """Answers health checks at an address, in threads of its own. `start` and `stop` are idempotent."""

    def __init__(self, address: Address, report: Callable[[], Report]) -> None:
        self._address = address
        self._report = report
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._address.port if self._server is None else int(self._server.server_address[1])

    def start(self) -> None:
        """Listen and answer.

        Raises:
            ConfigurationError: the address is taken, or is none of this machine's.
        """
        if self._server is not None:
            return
        try:
            self._server = _Server(self._address, self._report)
        except OSError as error:
            raise ConfigurationError(f"health checks cannot be answered at {self._address}: {error}") from error
        threading.Thread(target=self._server.serve_forever, name="teep-health", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # A client that is still connected must not hold up the worker's end.
    block_on_close = False

    def __init__(self, address: Address, report: Callable[[], Report]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.report = report
        self._free = threading.BoundedSemaphore(_CLIENTS)
        super().__init__(address, _Exchange)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - whoever comes
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - clients do not matter
        logger.error("a health check could not be answered", exc_info=sys.exc_info())


class _Exchange(socketserver.BaseRequestHandler):
    """One request and its answer."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client went away, or took too long
            head = self._read_head()
            if head is not None:
                self.request.sendall(_answer(head, cast("_Server", self.server).report))

    def _read_head(self) -> bytes | None:
        """Return the request up to the blank line; None where it does not come in time, or is too long."""
        deadline, head = time.monotonic() + _PATIENCE, b""
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            left = deadline - time.monotonic()
            if left <= 0 or len(head) >= _LONGEST:
                return None
            self.request.settimeout(left)
            part = self.request.recv(_LONGEST - len(head))
            if not part:
                return None
            head += part
        return head


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
