"""Asking for health, as a probe does."""

import http.client
from typing import Any

import msgspec

from tests.worker.fleet import SOON


def ask(port: int, path: str, method: str = "GET", seconds: float = SOON) -> tuple[int, Any]:
    """Return the status and the body, decoded."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, msgspec.json.decode(body) if body else None
    finally:
        connection.close()
