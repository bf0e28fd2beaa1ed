"""A side's server, and how its pages are asked for."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread, get_ident
from typing import Any, Self

from bench.errors import BenchError
from bench.process import Process

TEEP = "teep"
RUBY = "ruby-sidekiq"

_ROOT = Path(__file__).parents[2]
_CONFIG = _ROOT / "bench" / "systems" / "web.ru"
_SIDEKIQ_8 = _ROOT / ".roots" / "sid"
_START_SECONDS = 60.0
_ANSWER_SECONDS = 120.0


def sides() -> list[str]:
    """Those that can be asked on this computer."""
    return [TEEP, RUBY] if _ruby() is not None else [TEEP]


def _ruby() -> list[str] | None:
    """The begin of a command of Sidekiq 8's Ruby: of the folder that `.ci/root sid` makes, or this computer's own."""
    if os.geteuid() == 0 and (_SIDEKIQ_8 / ".stamp").exists():
        return [str(_ROOT / ".ci" / "enter"), str(_SIDEKIQ_8)]
    if shutil.which("puma") and shutil.which("sidekiq"):
        said = subprocess.run(["sidekiq", "-V"], check=False, capture_output=True, text=True).stdout
        return [] if said.lower().startswith("sidekiq 8.") else None
    return None


def ruby_version() -> str:
    """Sidekiq's version, such as "sidekiq 8.1.7"."""
    said = subprocess.run([*(_ruby() or []), "sidekiq", "-V"], check=False, capture_output=True, text=True).stdout
    return said.strip().lower()


class Site(Process):
    """The server of one side on the Redis at `url`, from `with` to its end; it answers when it has been made."""

    def __init__(self, name: str, url: str, directory: Path) -> None:
        self.port = _free_port()
        env = {"REDIS_URL": url, "ENTER_WITH": str(_ROOT), "RACK_ENV": "production", "LC_ALL": "C.UTF-8"}
        super().__init__(_command(name, self.port), env, directory / f"{name}.log")
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            self.check_alive()
            if time.monotonic() > deadline:
                self.stop()
                raise BenchError(f"{name}'s server does not answer:\n{self.log_tail()}")
            time.sleep(0.05)

    def asker(self) -> "Asker":
        """A connection of one visitor."""
        return Asker(self.port)

    def rate(self, path: str, requests: int, connections: int = 4, *, alike: bool = True) -> float:
        """Pages a second, if some visitors ask for `requests` of them at once; `alike`: all for the very same."""
        each = requests // connections
        threads = [Thread(target=_ask, args=(self.port, path, each, alike)) for _ in range(connections)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.check_alive()
        return each * connections / (time.perf_counter() - began)

    def _answers(self) -> bool:
        try:
            with Asker(self.port) as asker:
                return bool(asker.ask("/"))
        except (OSError, http.client.HTTPException):
            return False


class Asker:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    def ask(self, path: str, body: Any = None) -> bytes:
        """Return what is answered; `body` goes as JSON. Raises BenchError for anything but success."""
        if body is None:
            self._connection.request("GET", path)
        else:
            self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        page = answer.read()
        if answer.status not in (200, 202):
            raise BenchError(f"{path} was answered with {answer.status}: {page[:500]!r}")
        return page

    def seconds(self, path: str) -> float:
        """How long the answer takes."""
        began = time.perf_counter()
        self.ask(path)
        return time.perf_counter() - began


def _ask(port: int, path: str, times: int, alike: bool) -> None:
    with Asker(port) as asker:
        for number in range(times):
            asker.ask(path if alike else f"{path}?look={get_ident()}-{number}")


def _command(name: str, port: int) -> Sequence[str]:
    if name == TEEP:
        return (sys.executable, "-m", "teep", "web", "--port", str(port))
    bind = f"tcp://127.0.0.1:{port}"
    return (*(_ruby() or ()), "puma", "-C", "-", "-e", "production", "-t", "5:5", "-b", bind, str(_CONFIG))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
