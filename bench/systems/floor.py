"""The least that a worker in Python can do: one thread, a raw socket, hiredis, msgspec, the call of the job.

`batch` reserves 1,000 jobs a round trip and keeps them in flight until the next, so a crash loses none: what
a reliable worker could reach. `brpop` takes them one by one, as a plain worker does, and loses the one at
hand.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import hiredis
import msgspec

from bench.marks import open_marks

_QUEUE = b"queue:default"
_IN_FLIGHT = b"bench:inflight"
_BATCH = 1000
_marks = open_marks()

# hiredis declares a tuple of one item here.
_pack = cast("Callable[[tuple[bytes | int, ...]], bytes]", hiredis.pack_command)


def noop(number: int) -> None:
    _marks[number] += 1


_JOBS: dict[str, Callable[[int], None]] = {"NoopJob": noop}


class Wire:
    """One connection to Redis: a command out, its reply in."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def call(self, *command: bytes | int) -> Any:
        self._socket.sendall(_pack(command))
        while (reply := self._reader.gets()) is False:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError("Redis closed the connection")
            self._reader.feed(received)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply


def batches(wire: Wire) -> Iterator[list[bytes]]:
    """Up to 1,000 jobs a time; asking for the next acknowledges them. Waits, when idle, for a single job."""
    source = Path(__file__).with_name("floor_batch.lua").read_bytes()
    script = wire.call(b"SCRIPT", b"LOAD", source)
    while True:
        jobs = wire.call(b"EVALSHA", script, 2, _QUEUE, _IN_FLIGHT, _BATCH)
        yield jobs or [wire.call(b"BLMOVE", _QUEUE, _IN_FLIGHT, b"RIGHT", b"LEFT", 0)]


def singles(wire: Wire) -> Iterator[list[bytes]]:
    while True:
        yield wire.call(b"BRPOP", _QUEUE, 0)[1:]


def main() -> None:
    fetch = {"batch": batches, "brpop": singles}[sys.argv[1]]
    decode = msgspec.json.Decoder().decode
    for jobs in fetch(Wire(os.environ["REDIS_URL"])):
        for raw in jobs:
            job = decode(raw)
            _JOBS[job["class"]](*job["args"])


if __name__ == "__main__":
    main()
