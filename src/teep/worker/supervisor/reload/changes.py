"""The `.py` files that change in some folders, as something to wait for together with signals and children."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

import watchfiles

from teep.telling import Logger

logger = Logger("teep")

# Milliseconds after which a new watch says that it watches, and every watch looks whether it is to end.
_TICK = 200


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
        self._ending = threading.Event()

    def fileno(self) -> int:
        return self._reader.fileno()

    def watch(self, folders: Collection[str], since: float) -> None:
        """Watch these folders, beside those of before. One that is not there is left out.

        `since` is when the code of the new ones may have been read (epoch seconds): what changed between then and the
        begin of the watch counts, too.
        """
        new = [folder for folder in folders if folder not in self._folders and Path(folder).is_dir()]
        if not new:
            return
        self._folders, before, self._ending = self._folders.union(new), self._ending, threading.Event()
        watch = partial(self._follow, sorted(self._folders), self._ending, before, partial(_newer, new, since))
        threading.Thread(target=watch, name="teep-reload", daemon=True).start()

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
        self._writer.close()

    def _follow(
        self,
        folders: list[str],
        ending: threading.Event,
        before: threading.Event,
        missed: Callable[[], Iterable[str]],
    ) -> None:
        try:
            for changes in watchfiles.watch(
                *folders, watch_filter=_is_watched, stop_event=ending, recursive=False, rust_timeout=_TICK,
                yield_on_timeout=True,
            ):  # fmt: skip
                if not before.is_set():  # from now on this watch sees what the one before it saw
                    before.set()
                    self._note(missed())
                self._note(path for _, path in changes)
        except (OSError, RuntimeError) as error:
            logger.error("changed files are not noticed: %s", error)  # noqa: TRY400 - the system's words say it all

    def _note(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._changed.put(path)
            with contextlib.suppress(OSError):  # full, so it is read anyway; or closed
                self._writer.send(b".")


def _newer(folders: Iterable[str], since: float) -> Iterator[str]:
    """Return the code in these folders that was written after a moment, and not in the future of a wrong clock."""
    now = time.time()
    for file in (file for folder in folders for file in Path(folder).glob("*.py") if _is_code(file)):
        with contextlib.suppress(OSError):  # it is gone
            if since < file.stat().st_mtime <= now:
                yield str(file)


def _is_watched(_change: watchfiles.Change, path: str) -> bool:
    return _is_code(Path(path))


def _is_code(file: Path) -> bool:
    # An editor's lock file begins with a dot.
    return file.suffix == ".py" and not file.name.startswith(".")
