"""Joins the users of a folder's server, and has the server started if it does not run.

Apart from `lease.py`, since `fcntl` does not exist on Windows, and the package must still import there.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from teep.embedded import keeper
from teep.embedded.binary import server_binary
from teep.embedded.folder import Folder
from teep.errors import EmbeddedServerError

SILENCE = 30.0
"""Seconds without any answer after which a server with a living keeper is given up."""
LOG_LIMIT = 1 << 20
"""Bytes of server.log beyond which the next start empties it."""


def join(folder: Folder) -> int:
    """Makes sure that the folder's server serves, and returns a descriptor whose lock keeps it running.

    The lock is the process's, and that of its forks: closing the descriptor in all of them gives it up, and
    so does their death. Raises ConfigurationError, EmbeddedServerError, OSError.
    """
    binary = server_binary()
    with contextlib.ExitStack() as undo:
        users = _open(folder, "users.lock")
        undo.callback(os.close, users)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
        with _locked(folder, "start.lock", fcntl.LOCK_EX):
            _make_it_serve(folder, binary)
        undo.pop_all()
    return users


def _make_it_serve(folder: Folder, binary: Path) -> None:
    deadline = time.monotonic() + SILENCE
    while True:
        answer = keeper.ping(str(folder.socket))
        if not _has_keeper(folder):  # a server may still run, which the new keeper then adopts
            _start_keeper(folder, binary)
        elif keeper.is_serving(answer):
            return
        else:
            time.sleep(0.01)  # the keeper is starting it again, or it is loading its data
        if answer:
            deadline = time.monotonic() + SILENCE
        elif time.monotonic() > deadline:
            raise EmbeddedServerError(f"the embedded server of {folder.path} does not answer; {_log_tail(folder)}")


def _has_keeper(folder: Folder) -> bool:
    # Under start.lock, so that looking cannot disturb a keeper that is being started and wants the lock.
    lock = _open(folder, "keeper.lock")
    try:
        return not keeper.try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _start_keeper(folder: Folder, binary: Path) -> None:
    command = [sys.executable, "-I", "-S", keeper.__file__, str(folder.path), str(folder.socket), str(binary)]
    _log_path(folder).touch(mode=0o600)
    with _log_path(folder).open("ab") as log:
        if log.tell() > LOG_LIMIT:
            log.truncate(0)
        start = log.tell()
        try:
            done = subprocess.run(  # noqa: S603 - our own program, with paths for arguments
                [*command, "first"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the starter's terminal is not for the server
                check=False,
            )
        except OSError as exc:
            raise EmbeddedServerError(f"the embedded server cannot be started: {exc}") from exc
    if done.returncode != 0:
        raise EmbeddedServerError(f"the embedded server of {folder.path} did not start; {_log_tail(folder, start)}")


def _log_path(folder: Folder) -> Path:
    return folder.path / "server.log"


def _log_tail(folder: Folder, start: int = 0) -> str:
    lines = _log_path(folder).read_bytes()[start:].decode(errors="replace").splitlines()
    return "\n".join([f"the last lines of {_log_path(folder)}:", *lines[-10:]])


def _open(folder: Folder, name: str) -> int:
    return keeper.open_lock(str(folder.path), name)


@contextlib.contextmanager
def _locked(folder: Folder, name: str, kind: int) -> Iterator[None]:
    lock = _open(folder, name)
    try:
        fcntl.flock(lock, kind)
        yield
    finally:
        os.close(lock)
