"""The start of a child: by a fork, or as an interpreter of its own.

Forked: the supervisor has imported the jobs' modules, and each child is a copy that starts fast and shares memory.
Spawned: each child is an interpreter of its own, started as the supervisor was.
"""

import contextlib
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from teep.config import Config
from teep.telling import Logger
from teep.worker.exit import exiting
from teep.worker.startup import claims
from teep.worker.startup.modules import load_all
from teep.worker.supervisor import signals
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.signals import HANDLED
from teep.worker.supervisor.supervised import CHANNEL, Channel, serve

logger = Logger("teep")

# Apple's libraries start threads of their own, and abort in a fork that uses them.
SPAWNS = sys.platform == "darwin"


class Launcher:
    """Starts children."""

    def __init__(
        self, config: Config, modules: tuple[str, ...], configured: Callable[[], Config] | None, *, spawn: bool
    ) -> None:
        self._config = config
        self._modules = modules
        self._configured = configured
        self._spawns = spawn
        self._folder = _start_folder()

    def preload(self, *, must: bool) -> None:
        """Import the modules if children are forked. If that fails and `must` is False, children are spawned.

        Raises:
            ConfigurationError: there is no such module. A module may raise any other error.
        """
        if self._spawns:
            return
        try:
            with claims.kept():
                load_all(self._modules)
        except Exception as error:
            if must:
                raise
            logger.error(  # noqa: TRY400 - teep's own logger takes the exception this way
                "the new code cannot be imported; the old one goes on until that works", exc_info=error
            )
            self._spawns = True

    def make_ready(self) -> None:
        """Prepare to fork children. If the modules have started threads, children are spawned instead."""
        if self._spawns:
            return
        if threading.active_count() > 1:
            names = ", ".join(thread.name for thread in threading.enumerate()[1:])
            logger.warning("importing the jobs started threads (%s), so workers are spawned, not forked", names)
            self._spawns = True
            return
        # Today's objects will not be garbage. Leave them out of collections, which would unshare their memory.
        gc.collect()
        gc.freeze()

    def start(self, disown: Callable[[], None]) -> Child:
        """Start a child. A forked one calls `disown` to let go of the supervisor's things, and never returns from
        here: it ends by SystemExit.
        """
        ours, theirs = socket.socketpair()
        if self._spawns:
            pid = self._spawn(theirs)
        else:
            signals.block()
            pid = os.fork()
            if pid == 0:
                ours.close()
                disown()
                signals.unblock()
                self._be_child(Channel(theirs))
            signals.unblock()
        theirs.close()
        return Child(self._config, pid, ours)

    def go_to_start(self) -> None:
        """Change to the folder that this process was started in, by name: a deploy may have put another one there."""
        with contextlib.suppress(OSError):  # it is gone: stay in the old folder
            os.chdir(self._folder)

    def _spawn(self, channel: socket.socket) -> int:
        channel.set_inheritable(True)
        self.go_to_start()
        environment = os.environ | {CHANNEL: str(channel.fileno())}
        return os.posix_spawn(sys.executable, own_command(), environment, setsigmask=(), setsigdef=HANDLED)

    def _be_child(self, channel: Channel) -> None:
        with exiting():
            serve(self._config, self._modules, channel, self._configured)
        sys.exit()


def own_command() -> list[str]:
    """Return the command line that started this interpreter."""
    return [sys.executable, *sys.orig_argv[1:]]


def _start_folder() -> str:
    """Return the folder that this process was started in, as its shell named it: a link may lead elsewhere later."""
    named = os.environ.get("PWD", "")
    return named if Path(named).exists() and Path(named).samefile(Path.cwd()) else str(Path.cwd())
