"""A worker in a process of its own, for tests that need one: of stops, crashes, several workers at once."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from teep.clock import monotonic
from teep.config import default_config, redis_url_for
from teep.config.sources.settings import SETTINGS
from teep.errors import TeepError

# Seconds that the process gets to serve its queues, and to end: jobs have 25 s, and then a last moment.
_START, _STOP = 60.0, 40.0
# Seconds between two looks at whether it has died at its start: when it is ready, it says so.
_LOOK = 0.05
_LAST_LINES = 10


class WorkerEnded(TeepError):
    """A worker process has ended by itself; the message has its status and the last lines of its log."""


class WorkerProcess:
    """`teep worker` in a fresh interpreter, from the moment at which this is made until `stop` or `kill`.

    As a context manager it is ready when the context begins, and stopped when it ends. Ctrl-C does not reach it.

    Args:
        arguments: modules and flags, as `teep worker` takes them.
        redis_url: where its Redis is. By default that of the process-wide configuration. It gets it in a variable,
            since every user of the machine could read a password on the command line.
        environment: variables beside those of this process.
        folder: its working folder, by default that of this process.
        isolated: ignore the user's variables and configuration files about workers.
        command: another program that runs a worker, by default `python -m teep worker`.
    """

    def __init__(
        self,
        *arguments: str,
        redis_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        isolated: bool = False,
        command: Sequence[str] = (sys.executable, "-m", "teep", "worker"),
    ) -> None:
        url = redis_url_for(default_config()) if redis_url is None else redis_url
        own = Path(tempfile.mkdtemp(prefix="teep-worker-"))
        weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
        self._log = own / "log"
        # Open for as long as the process may live: it says more than that it is ready, and warns if nobody listens.
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        weakref.finalize(self, self._manager.close)
        self._manager.bind(str(own / "manager"))
        self._is_ready = False
        variables = {"NOTIFY_SOCKET": str(own / "manager"), "TEEP_REDIS_URL": url}
        with self._log.open("wb") as log:
            inherited = _inherited(isolated=isolated)
            self._process = self._started(
                [*command, *arguments], folder, inherited | variables | dict(environment or {}), log
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative if a signal killed it; None while it runs."""
        return self._process.poll()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.returncode is None

    @property
    def log(self) -> str:
        """Everything that it has printed and logged so far."""
        return self._log.read_text("utf-8", errors="replace")

    @property
    def last_lines(self) -> str:
        """The end of its log, ten lines at most."""
        return "\n".join(self.log.splitlines()[-_LAST_LINES:])

    def check(self) -> None:
        """Raise an error if it has ended.

        Raises:
            WorkerEnded: it has, with the last lines of its log.
        """
        if not self.is_alive:
            raise WorkerEnded(f"the worker ended with status {self.returncode}; its last lines:\n{self.last_lines}")

    def wait_until_ready(self, timeout: float = _START) -> None:
        """Return as soon as it serves its queues; a supervisor, as soon as all its workers do. Idempotent.

        Raises:
            WorkerEnded: it has ended, with the last lines of its log.
            TimeoutError: it was not within `timeout` seconds.
        """
        deadline = monotonic() + timeout
        while not self._is_ready:
            self.check()
            if monotonic() > deadline:
                raise TimeoutError(
                    f"the worker was not ready within {timeout:g} s; its last lines:\n{self.last_lines}"
                )
            self._is_ready = self._hear() == b"READY=1"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as `signal.SIGTSTP`, which quiets it."""
        self._process.send_signal(number)

    def wait(self, timeout: float = _STOP) -> int:
        """Return its exit status when it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within `timeout` seconds.
        """
        return self._process.wait(timeout)

    def stop(self, timeout: float = _STOP) -> int:
        """Stop it by SIGTERM, and after `timeout` seconds kill it; return its exit status. Idempotent."""
        self._process.terminate()
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill it by SIGKILL, as a crash would; return its exit status when it is gone. Idempotent."""
        self._process.kill()
        return self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _started(
        self, command: list[str], folder: Path | None, environment: dict[str, str], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _hear(self) -> bytes:
        """Return what it has told its service manager, which is this object: see teep.worker.health.systemd."""
        self._manager.settimeout(_LOOK)
        try:
            return self._manager.recv(4096)
        except TimeoutError:
            return b""


def _inherited(*, isolated: bool) -> dict[str, str]:
    """Return this process's variables for a worker, without those of a service manager."""
    left = {"WATCHDOG_USEC", "WATCHDOG_PID"}
    if isolated:
        left |= {f"TEEP_{name.upper()}" for name in SETTINGS}
    kept = {name: value for name, value in os.environ.items() if name not in left}
    return {**kept, "TEEP_CONFIG": "none"} if isolated else kept
