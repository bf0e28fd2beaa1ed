"""A worker under a supervisor: the child's side."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable

from teep.config import Config
from teep.runtime.service import OnError, Service
from teep.wire import json
from teep.worker.health.health import STARTING, Report
from teep.worker.services.heartbeat import rss_in_kb
from teep.worker.worker import Worker

CHANNEL = "TEEP_SUPERVISOR_CHANNEL"
"""The environment variable that gives a spawned child the descriptor of its end of the channel."""


class Channel:
    """The child's end of the socket: tells the supervisor of heartbeats and wishes, and obeys it."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._identity = ""

    @classmethod
    def inherited(cls) -> "Channel | None":
        """Return the channel to the supervisor that started this interpreter, or None if there is none."""
        descriptor = os.environ.pop(CHANNEL, None)  # processes that jobs start must not inherit it
        if descriptor is None:
            return None
        end = socket.socket(fileno=int(descriptor))
        end.set_inheritable(False)
        return cls(end)

    def start(self, identity_: str) -> None:
        """Say that the worker is up, after its first heartbeat."""
        self._identity = identity_
        self.beat()

    def beat(self) -> None:
        if self._identity:
            self._say(f"beat {self._identity}")

    def stop(self) -> None:
        """Do nothing: the supervisor watches until the process has ended."""

    def disown(self) -> None:
        """Close the channel, in a fork: its end tells the supervisor that the worker is gone."""
        self._identity = ""
        self._socket.close()

    def ask_for_successor(self, why: str) -> bool:
        """Say that this process should be replaced; True if the message was sent."""
        return self._say(f"replace {why}")

    def tell_of_code(self, folder: str) -> bool:
        """Say that code was imported from this folder; True if the message was sent."""
        return self._say(f"code {folder}")

    def tell(self, report: Report) -> None:
        self._say(f"report {json.dumps(report._asdict()).decode()}")

    def obey(self, worker: Worker) -> None:
        """Obey the supervisor's messages; stop the worker when the supervisor is gone. Blocks until then."""
        with contextlib.suppress(ConnectionResetError):
            while said := self._socket.recv(4096):
                if b"rescue" in said:
                    worker.rescue()
                if b"hurry" in said:
                    worker.hurry()
        worker.receive("TERM")

    def _say(self, line: str) -> bool:
        # The buffer may be full if the supervisor is frozen, and `obey` notices if it is gone. A line is short enough
        # to be taken whole or not at all.
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            return self._socket.send(f"{line}\n".encode(), socket.MSG_DONTWAIT) > 0
        return False


class ResourceLimits(Service):
    """Asks for a successor when this process has grown too large or has run enough jobs; looks once a second."""

    def __init__(self, config: Config, worker: Worker, channel: Channel, on_error: OnError) -> None:
        super().__init__("limits", on_error)
        self._config = config
        self._worker = worker
        self._channel = channel
        self._asked = False

    def run_once(self) -> None:
        why = self._reached()
        if why and not self._asked:
            self._asked = self._channel.ask_for_successor(why)

    def pause(self) -> float:
        return 1.0

    def _reached(self) -> str:
        megabytes, jobs = rss_in_kb() // 1024, self._worker.settled
        if self._config.max_rss is not None and megabytes >= self._config.max_rss:
            return f"it uses {megabytes} MB of memory"
        if self._config.max_jobs is not None and jobs >= self._config.max_jobs:
            return f"it has run {jobs} jobs"
        return ""


class Reporter(Service):
    """Sends this process's health to the supervisor once a second, as soon as the process takes jobs."""

    def __init__(self, worker: Worker, channel: Channel) -> None:
        super().__init__("reporter", worker.on_error)
        self._worker = worker
        self._channel = channel

    def run_once(self) -> None:
        report = self._worker.report()
        if report is not STARTING:
            self._channel.tell(report)

    def pause(self) -> float:
        return 1.0


def serve(
    config: Config, modules: tuple[str, ...], channel: Channel, configured: Callable[[], Config] | None
) -> bool:
    """Run a worker under a supervisor; True if every job ended in time."""
    worker = Worker(config, *modules, watcher=channel, answers=False, configured=configured)
    threading.Thread(target=channel.obey, args=(worker,), name="teep-channel", daemon=True).start()
    if config.max_rss is not None or config.max_jobs is not None:
        ResourceLimits(config, worker, channel, worker.on_error).start()
    if config.health is not None:
        Reporter(worker, channel).start()
    return worker.run()
