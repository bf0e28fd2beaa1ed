"""The worker's end of its lifeline."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from teep.config import Config, driver_for
from teep.embedded.project import working_folder
from teep.runtime import identity
from teep.telling import Logger
from teep.wire import json
from teep.worker.lifeline import program

logger = Logger("teep")

# A heartbeat may be late by its interval, as on a busy machine, but by no more than so many seconds. With the longest
# interval, half a minute is left until Redis forgets the process.
_GRACE = 10.0
_PYTHONS = ("python", "pypy")


def patience(config: Config) -> float:
    """Return the seconds without a heartbeat after which a companion process sends heartbeats for a worker."""
    return config.heartbeat_interval + min(config.heartbeat_interval, _GRACE)


class Watcher(Protocol):
    """Keeps a worker alive in Redis while it sends no heartbeats; it must be told of each heartbeat."""

    def start(self, identity_: str) -> None:
        """Watch the worker of that identity, in this process."""

    def beat(self) -> None:
        """Note a heartbeat. Never blocks."""

    def stop(self) -> None:
        """Watch no longer. Idempotent."""

    def disown(self) -> None:
        """Let go, in a fork, of everything that belongs to the parent."""


class Lifeline:
    """A process that watches one worker. It sleeps in 11 MB while heartbeats come, and loads teep when they do not.

    Args:
        config: gives the Redis and the heartbeat interval.
        pid: the worker's process; default: this one.
        silent: whether the worker's heartbeats are late already.
    """

    def __init__(self, config: Config, *, pid: int | None = None, silent: bool = False) -> None:
        self._config = config
        self._pid = pid
        self._silent = silent
        self._identity = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def start(self, identity_: str) -> None:
        """Start the process. Costs a third of a millisecond, since nothing waits until it is up."""
        self._identity = identity_
        # Inside another program, such as a web server, `sys.executable` is not Python.
        if not Path(sys.executable or "").name.startswith(_PYTHONS):
            logger.info("no lifeline: %r is no Python to start it with", sys.executable)
            return
        settings = json.dumps(self._settings()) + b"\n"
        reader, self._pipe = os.pipe()
        os.write(self._pipe, settings)  # before the process starts, so that its death cannot break the pipe
        os.set_blocking(self._pipe, False)  # if the process is frozen, it must not block the heartbeat
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", program.__file__],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the worker's terminal must not end it: jobs may still finish
            )
        except OSError as error:
            os.close(self._pipe)
            logger.warning("no lifeline: its process cannot be started: %s", error)
            return
        finally:
            os.close(reader)

    def beat(self) -> None:
        """Tell it of a heartbeat. If the process was killed, start another."""
        if self._process is None:
            return
        try:
            with contextlib.suppress(BlockingIOError):
                os.write(self._pipe, b".")
        except BrokenPipeError:
            self.stop()
            self.start(self._identity)

    def stop(self) -> None:
        """End the process. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            os.close(self._pipe)
            process.kill()  # safe: it holds nothing. Closing its input may not end it, if a job's fork has it open.
            process.wait()

    def disown(self) -> None:
        """Let go of it in a fork of the process that started it."""
        process, self._process = self._process, None
        if process is not None:
            os.close(self._pipe)
            process.poll()  # finds that it is no child of this process, so that nothing waits for it

    def _settings(self) -> dict[str, object]:
        pid = self._pid or os.getpid()
        return {
            "url": driver_for(self._config).url,
            "identity": self._identity,
            "pid": pid,
            "started": identity.started(pid),
            "patience": 0.0 if self._silent else patience(self._config),
            "interval": self._config.heartbeat_interval,
            "path": [entry or str(working_folder() or "") for entry in sys.path],
        }
