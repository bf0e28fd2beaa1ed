"""The `.py` files that change in some folders, as something to wait for together with signals and children."""

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import watchfiles

from teep.telling import Logger

logger = Logger("teep")

# Milliseconds after which a new watch says that it watches, and every watch looks whether it is to end.
_TICK = 200
_NONE = threading.Event()


class Changes:
    """Changed files. `fileno` can be read as soon as there are any.

    A folder is watched without those inside it: each that holds code is there by itself, and none that holds a
    virtual environment or the modules of another language.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._changed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._folders: frozenset[str] = frozenset()
        self._ending = _NONE

    def fileno(self) -> int:
        return self._reader.fileno()

    def watch(self, folders: Collection[str]) -> None:
        """Watch these folders, beside those of before. One that is not there is left out."""
        wanted = self._folders.union(filter(os.path.isdir, folders))
        if wanted == self._folders:
            return
        self._folders, before, self._ending = wanted, self._ending, threading.Event()
        threading.Thread(
            target=self._follow, args=(sorted(wanted), self._ending, before), name="teep-reload", daemon=True
        ).start()

    def read(self) -> list[str]:
        """Return the files that have changed since the last call, each once."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        found: dict[str, None] = {}
        with contextlib.suppress(queue.Empty):
            while True:
                found[self._changed.get_nowait()] = None
        return list(found)

    def close(self) -> None:
        """Watch no more."""
        self._ending.set()
        self._reader.close()

    def _follow(self, folders: list[str], ending: threading.Event, before: threading.Event) -> None:
        try:
            for changes in watchfiles.watch(
                *folders, watch_filter=_is_code, stop_event=ending, recursive=False, rust_timeout=_TICK,
                yield_on_timeout=True,
            ):  # fmt: skip
                before.set()  # from now on this watch sees what the one before it saw
                self._note(path for _, path in changes)
        except (OSError, RuntimeError) as error:
            logger.error("changed files are not noticed: %s", error)  # noqa: TRY400 - the system's words say it all

    def _note(self, paths: Any) -> None:
        for path in paths:
            self._changed.put(path)
            with contextlib.suppress(OSError):  # full, so it is read anyway; or closed
                self._writer.send(b".")


def _is_code(_change: watchfiles.Change, path: str) -> bool:
    # An editor's lock file begins with a dot.
    return path.endswith(".py") and not Path(path).name.startswith(".")
