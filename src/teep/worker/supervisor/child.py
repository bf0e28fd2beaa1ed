"""A child as its supervisor sees it."""

import contextlib
import os
import signal
import socket

from teep.clock import monotonic
from teep.config import Config
from teep.telling import Logger
from teep.worker.health.health import STARTING, Report
from teep.worker.lifeline import Lifeline, patience

logger = Logger("teep")

_UP = Report(live=True, ready=True)


class Child:
    """A worker process: its last messages, and how it ended.

    Both sides hold an end of a socket. The child says `beat IDENTITY`, `replace REASON`; if health checks are
    configured, `report JSON`; if code is reloaded, `code FOLDER`. The supervisor says `rescue` and `hurry`. The child
    stops when the supervisor's end closes, for any reason.
    """

    def __init__(self, config: Config, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel
        self.identity = ""
        self.started = monotonic()
        self.report = STARTING
        self.heard_at = self.live_at = self.started
        self._config = config
        self._last_beat = self.started
        self._lifeline: Lifeline | None = None
        self._unfinished = b""
        channel.setblocking(False)

    def __str__(self) -> str:
        return f"worker {self.pid}"

    @property
    def is_up(self) -> bool:
        """Whether it has sent a heartbeat, and therefore takes signals and jobs."""
        return bool(self.identity)

    @property
    def is_open(self) -> bool:
        """Whether it may still say something."""
        return self.channel.fileno() >= 0

    def hear(self) -> list[tuple[str, str]]:
        """Return its new messages, each as (word, rest)."""
        try:
            said = self.channel.recv(65_536)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            said = b""
        if not said:
            self.channel.close()
        *lines, self._unfinished = (self._unfinished + said).split(b"\n")
        return [(word, rest) for word, _, rest in (line.decode().partition(" ") for line in lines)]

    def note_beat(self, identity: str) -> None:
        if not self.is_up:
            # It takes jobs within a moment, and then reports; the worker that it replaces takes none any more.
            self.note_report(_UP)
        self.identity = identity
        self._last_beat = monotonic()
        self.drop_lifeline()

    def note_report(self, report: Report) -> None:
        self.report = report
        self.heard_at = monotonic()
        if report.live:
            self.live_at = self.heard_at

    def hear_report(self, text: str) -> None:
        """Note a report. One that cannot be read is ignored, so the child counts as silent after a while."""
        try:
            self.note_report(Report.parse(text))
        except ValueError as error:
            logger.debug("the report of %s cannot be read: %s", self, error)

    def watch(self) -> bool:
        """If its heartbeat is late, have a lifeline keep it alive; True when that begins."""
        silence = monotonic() - self._last_beat
        if not self.is_up or self._lifeline is not None or silence < patience(self._config):
            return False
        self._lifeline = Lifeline(self._config, pid=self.pid, silent=True)
        self._lifeline.start(self.identity)
        return True

    def ask_for_rescue(self) -> None:
        """Ask it to look for dead processes now."""
        with contextlib.suppress(OSError):  # it is ending: then another worker finds them at its next look
            self.channel.send(b"rescue\n")

    def ask_to_hurry(self) -> None:
        """Ask it to stop at once. The terminal may have sent it the same Ctrl-C, so a signal would count twice."""
        with contextlib.suppress(OSError):  # as above
            self.channel.send(b"hurry\n")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal. Most signals would end or freeze it before it is up: send only TERM and KILL then."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """Return its exit code once it has ended, else None. A negative code is the signal that killed it.

        Once it has returned a code, it must not be called again.
        """
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.close()
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Close the channel and the lifeline of a child that has ended."""
        self.channel.close()
        self.drop_lifeline()

    def disown(self) -> None:
        """Let go of a sibling, in a fork. A channel left open here would hide the supervisor's end from it."""
        self.channel.close()
        if self._lifeline is not None:
            self._lifeline.disown()

    def drop_lifeline(self) -> None:
        """End the process that keeps it alive, if there is one."""
        if self._lifeline is not None:
            self._lifeline.stop()
            self._lifeline = None


def manner_of_end(code: int) -> str:
    """Return an exit code in words: "was killed by SIGKILL", "ended with exit code 1"."""
    if code < 0:
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return f"was killed by {name}"
    return f"ended with exit code {code}"
