"""Leases on the embedded server: this process's share in the one server of a data folder."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from teep.embedded.folder import Folder
from teep.errors import ConfigurationError, EmbeddedServerError


class Lease:
    """The right to a running server; it ends with `release()`, or with the process, however that ends.

    A lease works in forks of the process too, and the server runs until the last of them has released it or died.
    It is also a context manager. Its methods may be called from any thread.
    """

    def __init__(self, hold: "_Hold") -> None:
        self._hold: _Hold | None = hold
        self._folder = hold.folder

    @property
    def url(self) -> str:
        """Where the server listens, `unix:///path/valkey.sock`, as redis-py's `from_url` takes it."""
        return f"unix://{quote(str(self._folder.socket))}"

    @property
    def data_dir(self) -> Path:
        """The data folder: absolute, links resolved."""
        return self._folder.path

    @property
    def pid(self) -> int:
        """The pid of the server, which changes when the server is killed and started again.

        Raises EmbeddedServerError in the instant of a start in which there is none.
        """
        try:
            return int((self.data_dir / "server.pid").read_text(encoding="ascii"))
        except (OSError, ValueError) as exc:
            raise EmbeddedServerError(f"the embedded server of {self.data_dir} has no pid now; try again") from exc

    def release(self) -> None:
        """Gives the server up; it stops two seconds after its last user did. A second call does nothing."""
        with _mutex:
            hold, self._hold = self._hold, None
            if hold:
                hold.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class _Hold:
    """The process's one lock on a folder's server, which its leases share."""

    def __init__(self, folder: Folder, lock: int) -> None:
        self.folder = folder
        self._lock = lock
        self._leases = 0

    def lease(self) -> Lease:
        self._leases += 1
        return Lease(self)

    def drop(self) -> None:
        self._leases -= 1
        if not self._leases:
            del _holds[self.folder.path]
            os.close(self._lock)  # not LOCK_UN, which would take it from the forks that share it


_holds: dict[Path, _Hold] = {}
_mutex = threading.Lock()
if hasattr(os, "register_at_fork"):  # a fork finds the holds whole and the mutex free
    os.register_at_fork(before=_mutex.acquire, after_in_parent=_mutex.release, after_in_child=_mutex.release)


def acquire(data_dir: Path | None = None) -> Lease:
    """Makes sure that the one server of a data folder runs, and returns a lease on it.

    `data_dir` is by default `TEEP_DATA_DIR`, else `.teep` in the project's folder, else `teep` among the user's
    application data; it is created with mode 0700. The first lease of a process takes a millisecond if the server
    runs, and a tenth of a second if it must be started (plus the time to load its data); further ones take none.

    Raises ConfigurationError if there is no such server to start or the folder cannot be used, and
    EmbeddedServerError, with the end of its log, if it does not start.
    """
    if os.name != "posix":
        raise ConfigurationError("the embedded server needs Linux or macOS; set REDIS_URL here")
    from teep.embedded.start import join  # noqa: PLC0415 - imports fcntl, which Windows does not have

    folder = Folder.prepare(data_dir)
    with _mutex:
        if folder.path not in _holds:
            try:
                lock = join(folder)
            except OSError as exc:
                raise ConfigurationError(
                    f"the data folder {folder.path} cannot be used: {exc}; "
                    "set TEEP_DATA_DIR to one that can, or REDIS_URL to a running Redis or Valkey"
                ) from exc
            _holds[folder.path] = _Hold(folder, lock)
        return _holds[folder.path].lease()
