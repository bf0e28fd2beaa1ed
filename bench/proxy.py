"""A stretch of network in front of Redis: data comes out unchanged and in order, a fixed time later.

`Proxy` starts it as a process of its own; `python -m bench.proxy PORT SECONDS` is that process.
"""

import asyncio
import selectors
import sys
from collections import deque
from pathlib import Path
from typing import Self, cast

from bench.process import Process

_HIGH_WATER = 2**24
_START_SECONDS = 10.0


class Lane(asyncio.Protocol):
    """One direction of a connection: passes data on `seconds` after receiving it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._chunks: deque[bytes] = deque()
        self._loop = asyncio.get_running_loop()
        self.other: Lane | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._loop.call_later(self._seconds, self._pass_on)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._loop.call_later(self._seconds, self._hang_up)

    def _pass_on(self) -> None:
        # Whichever timer fires first, the oldest chunk goes first.
        chunk = self._chunks.popleft()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(chunk)

    def _hang_up(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Entrance(Lane):
    """The client's side, which connects to the server and holds the client's data back until that is done."""

    def __init__(self, seconds: float, port: int) -> None:
        super().__init__(seconds)
        self._port = port
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = self._loop.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        # Not by pause_reading(): before Python 3.12 it is forgotten if connection_made() calls it.
        if self.other is None:
            self._early.append(data)
        else:
            super().data_received(data)

    async def _connect(self) -> None:
        exit_ = Lane(self._seconds)
        exit_.other = self
        await self._loop.create_connection(lambda: exit_, "127.0.0.1", self._port)
        self.other = exit_
        for data in self._early:
            super().data_received(data)


class Proxy:
    """The delaying proxy in front of a port, from `with` to its end; `url` is its own address."""

    def __init__(self, port: int, seconds: float, directory: Path) -> None:
        command = (sys.executable, "-m", "bench.proxy", str(port), str(seconds))
        self._process = Process(command, {}, directory / "proxy.log", talks=True)
        self.url = f"redis://127.0.0.1:{int(self._process.read_line(_START_SECONDS))}/0"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.stop()


async def serve(port: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Entrance(seconds, port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    # epoll counts in milliseconds, select in microseconds.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(serve(int(sys.argv[1]), float(sys.argv[2])))


if __name__ == "__main__":
    main()
