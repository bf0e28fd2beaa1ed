"""A `teep worker` as a child process, for commands that bring one along and take it down with them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from teep.config.sources.settings import SETTINGS

# Seconds that the worker gets to end by itself; what it had not finished is of no use to anyone.
_STOP = 15.0


class WorkerProcess:
    """Runs the jobs of one module, and logs into `folder`, until it is stopped.

    `options` are those of `teep worker`; `environment` is added to this process's own, and is the place for a Redis
    URL: on the command line everyone could read its password. What the user's file and variables say of workers does
    not hold here; only where Redis is.
    """

    def __init__(self, module: str, options: Iterable[str], folder: Path, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "teep", "worker", module, *options]
        self._log = folder / "worker.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "--timeout", "1", "--log-level", "WARNING"],
                env={**_own_environment(), "TEEP_CONFIG": "none", **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the command, which then stops the worker
            )

    @property
    def end(self) -> str:
        """How it has ended by itself, as a sentence with the last of its log; empty while it runs."""
        if self._process.poll() is None:
            return ""
        last = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
        return f"the worker ended with status {self._process.returncode}; its last lines:\n{last}"

    def stop(self) -> None:
        """End it, and return when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _own_environment() -> dict[str, str]:
    theirs = {f"TEEP_{name.upper()}" for name in SETTINGS if name != "redis_url"}
    return {name: value for name, value in os.environ.items() if name not in theirs}


@contextmanager
def interruptible() -> Iterator[None]:
    """Let TERM and HUP (a terminal that closes) end a command as Ctrl-C does: with everything taken down."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    with handled((signal.SIGTERM, signal.SIGHUP), leave):
        yield


@contextmanager
def handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have signals handled so until the context ends."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
