"""One bare connection to Redis: a raw socket and hiredis."""

import os
import socket
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import hiredis

# hiredis declares a tuple of one item here.
_pack = cast("Callable[[tuple[bytes | int | float, ...]], bytes]", hiredis.pack_command)


class Wire:
    """A connection to the environment's REDIS_URL: a command out, its reply in."""

    def __init__(self) -> None:
        address = urlsplit(os.environ["REDIS_URL"])
        self._socket = socket.create_connection((address.hostname, address.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def call(self, *command: bytes | float) -> Any:
        self._socket.sendall(_pack(command))
        while (reply := self._reader.gets()) is False:
            received = self._socket.recv(262144)
            if not received:
                raise ConnectionError("Redis closed the connection")
            self._reader.feed(received)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply
