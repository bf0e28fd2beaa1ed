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

# A beat may come late by as much as its interval, as on a busy machine, but no more than this many seconds. With the
# longest interval there is half a minute left then until Redis forgets the process.
_GRACE = 10.0
_PYTHONS = ("python", "pypy")


def patience(config: Config) -> float:
    """Return the seconds without a heartbeat after which someone else beats for a worker."""
    return config.heartbeat_interval + min(config.heartbeat_interval, _GRACE)


class Watcher(Protocol):
    """Who keeps a worker alive in Redis while it cannot beat: it must hear of each beat."""

    def start(self, identity_: str) -> None:
        """Watch the worker of that identity, in this process."""

    def beat(self) -> None:
        """Take note of a beat. Never blocks."""

    def stop(self) -> None:
        """Watch no longer. Idempotent."""

    def disown(self) -> None:
        """Let go, in a fork, of what the parent watches or is watched by."""


class Lifeline:
    """A process that watches one worker. It sleeps in 11 MB while the beats come, and loads teep when they do not.

    Args:
        config: whose Redis and heartbeat interval count.
        pid: the worker's process; default: this one.
        silent: whether the worker's beats are late already.
    """

    def __init__(self, config: Config, *, pid: int | None = None, silent: bool = False) -> None:
        self._config = config
        self._pid = pid
        self._silent = silent
        self._identity = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def start(self, identity_: str) -> None:
        """Start the process. Costs a third of a millisecond: it comes up by itself."""
        self._identity = identity_
        # An interpreter inside of another program, such as a web server's, cannot be started as one.
        if not Path(sys.executable or "").name.startswith(_PYTHONS):
            logger.info("no lifeline: %r is no Python to start it with", sys.executable)
            return
        settings = json.dumps(self._settings()) + b"\n"
        reader, self._pipe = os.pipe()
        os.write(self._pipe, settings)  # before anyone reads it, so that nobody's death can break the pipe
        os.set_blocking(self._pipe, False)  # a process that was stopped must not stop the heart
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", program.__file__],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the worker's terminal is not for it: jobs may still finish then
            )
        except OSError as error:
            os.close(self._pipe)
            logger.warning("no lifeline: its process cannot be started: %s", error)
            return
        finally:
            os.close(reader)

    def beat(self) -> None:
        """Tell it of a heartbeat; where someone has killed it, start another."""
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
            process.kill()  # it holds nothing, and a fork by a job may still have its input open
            process.wait()

    def disown(self) -> None:
        """Let go of it in a fork of the process that started it."""
        process, self._process = self._process, None
        if process is not None:
            os.close(self._pipe)
            process.poll()  # which finds that it is no child of this process, and need not be waited for

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
